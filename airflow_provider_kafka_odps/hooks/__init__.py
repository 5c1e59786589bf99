"""Airflow's side of the clients: connections, hooks and the masker."""
