"""The event-sourced core: messages, decisions, the log and what is read from it. Knows no context."""
