"""One module for each role a process can have, and the wiring that picks their adapters."""
