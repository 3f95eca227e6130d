"""The context of tasks: what is to be done, by whom and until when."""
