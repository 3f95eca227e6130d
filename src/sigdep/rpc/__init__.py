"""How a message crosses from one process to another."""
