"""From an Airflow connection to a logged-in client of a Kafka cluster."""
