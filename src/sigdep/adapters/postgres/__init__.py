"""PostgreSQL, by asyncpg: the event store and the key ring of the distributed mode."""
