"""Airflow as a person's token sees it: its REST API, asked and never told."""
