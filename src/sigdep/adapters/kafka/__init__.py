"""Apache Kafka, by the connections and the protocol of aiokafka."""
