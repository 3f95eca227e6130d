"""Redis, by redis-py."""
