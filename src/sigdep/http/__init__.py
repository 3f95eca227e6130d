"""How requests and problems look over HTTP, and where time and ids are stamped."""
