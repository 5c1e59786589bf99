"""Where Airflow has a connection: the environment, its database, or a secrets backend."""

from __future__ import annotations

import os


def look_as_airflow_does() -> None:
    """Have this process look into Airflow's database, too, as `airflow connections` has its own.

    Others than Airflow's own processes are given the environment and the secrets backend only.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def origin(conn_id: str) -> str:
    """Return which of Airflow's places has the connection; they are asked in Airflow's order, the first one wins."""
    from airflow.configuration import ensure_secrets_loaded

    for backend in ensure_secrets_loaded():
        try:
            found = backend.get_connection(conn_id=conn_id)
        except Exception:  # noqa: BLE001, S112 - Airflow goes on to the next one, whatever a backend raises
            continue
        if found is not None:
            return _place(type(backend).__name__, conn_id)
    return "an unknown place"


def _place(backend: str, conn_id: str) -> str:
    match backend:
        case "EnvironmentVariablesBackend":
            return f"the environment variable AIRFLOW_CONN_{conn_id.upper()}"
        case "MetastoreBackend":
            return f"Airflow's database (Admin → Connections → {conn_id})"
        case _:
            return f"the secrets backend {backend}"
