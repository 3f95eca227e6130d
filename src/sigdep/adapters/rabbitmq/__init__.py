"""RabbitMQ streams, by the frames of rstream over connections of our own."""
