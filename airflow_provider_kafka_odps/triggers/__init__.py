"""Triggers: what waits in Airflow's triggerer, where no worker slot is taken."""
