"""The only code that touches the outside: a Kafka cluster, a MaxCompute project."""
