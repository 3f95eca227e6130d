"""NATS JetStream, by nats-py: the default broker of the distributed mode."""
