"""A task's context outside of Airflow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


def context_of(store: Any, push: Callable[[str, Any], None], clear_number: int, try_number: int = 1) -> dict[str, Any]:
    """Return what Airflow gives to a task of a manual run that has no run before it."""
    ti = SimpleNamespace(
        dag_id="stand_in",
        task_id="load",
        map_index=-1,
        run_id="manual",
        try_number=try_number,
        xcom_push=push,
        get_previous_dagrun=lambda: None,
        stats_tags={"dag_id": "stand_in", "task_id": "load"},
    )
    return {
        "task_state_store": store,
        "ti": ti,
        "run_id": "manual",
        "dag_run": SimpleNamespace(clear_number=clear_number, run_type="manual", conf={}),
        "outlet_events": defaultdict(SimpleNamespace),
    }
