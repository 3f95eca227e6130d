"""What can be asked of the reading side, by subject."""
