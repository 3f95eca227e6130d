"""What the questions of this context are answered from."""
