"""Airflow's side of a load: the run, its stores, its assets, its end."""
