"""The system as several processes: one for each role of a context, over PostgreSQL, gRPC and a broker."""
