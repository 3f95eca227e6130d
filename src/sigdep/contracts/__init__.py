"""The public events and ids that contexts share, and the only thing they share."""
