"""Load bounded windows of Kafka offsets into MaxCompute tables, from Apache Airflow. Imports nothing."""

__version__ = "0.1.0"
