"""The filter language of task lists: text → tree → condition."""
