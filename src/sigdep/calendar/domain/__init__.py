"""What is decided about calendars and appointments, and what they become by it: pure functions only."""
