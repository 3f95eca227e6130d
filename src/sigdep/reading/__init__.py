"""What read services are made of: the present and the past of a context, and how far its read model has come."""
