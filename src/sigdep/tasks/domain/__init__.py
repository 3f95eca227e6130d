"""What is decided about tasks, projects and labels, and what they become by it: pure functions only."""
