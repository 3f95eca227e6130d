"""The questions of this context, answered."""
