"""What a load tells Airflow's metrics, its traces, and the reader of its log."""
