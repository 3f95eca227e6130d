"""What readers see: a row for each calendar and appointment, one for each of its people, and columns to ask by."""
