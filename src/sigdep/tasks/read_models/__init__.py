"""What readers see: one row for each task, project, label and comment, and the columns to ask by."""
