"""SigDep: tasks, calendar and reminders as one stream of events that its owner keeps."""
