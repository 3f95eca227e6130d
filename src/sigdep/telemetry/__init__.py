"""What a process tells of its work: traces, and the ids by which lines of logs belong together."""
