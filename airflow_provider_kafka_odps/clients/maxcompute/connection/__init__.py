"""From an Airflow connection to answered requests of a MaxCompute project."""
