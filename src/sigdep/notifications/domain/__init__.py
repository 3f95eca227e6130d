"""What notifications, preferences and devices decide. Pure."""
