"""What touches the outside, and decides nothing; no Airflow in here."""
