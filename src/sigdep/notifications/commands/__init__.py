"""What is asked of the writing side, by subject."""
