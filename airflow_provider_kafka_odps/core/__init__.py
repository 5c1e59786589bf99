"""Values and decisions: no Airflow, no network, no clock."""
