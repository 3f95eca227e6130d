"""What is decided about people, workspaces, sessions and tokens, and what they become by it: pure functions only."""
