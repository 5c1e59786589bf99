"""Pages in Airflow's UI: static files, and the plugin that shows them. They ask Airflow's own API, as who looks."""
