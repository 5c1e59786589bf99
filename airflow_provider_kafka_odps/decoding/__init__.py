"""Kafka record batches to Arrow record batches."""
