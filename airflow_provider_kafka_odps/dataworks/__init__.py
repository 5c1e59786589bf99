"""Jobs of DataWorks and DataX, read as they are; ``python -m airflow_provider_kafka_odps.dataworks`` lints them."""
