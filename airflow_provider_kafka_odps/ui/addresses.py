"""Where the pages are, below Airflow's own root."""

from __future__ import annotations

from urllib.parse import urlencode

PREFIX = "/kafka-odps"
TASK_PAGE = "kafka-odps/task.html"
WINDOWS_PAGE = "kafka-odps/windows.html"


def task_address(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the address of a task instance's page, relative to Airflow's root.

    >>> task_address("orders", "scheduled__2026-11-22T10:00:00+00:00", "load", -1)
    'kafka-odps/task.html?dag_id=orders&run_id=scheduled__2026-11-22T10%3A00%3A00%2B00%3A00&task_id=load'
    """
    named = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    mapped = {"map_index": map_index} if map_index >= 0 else {}
    return f"{TASK_PAGE}?{urlencode({**named, **mapped})}"
