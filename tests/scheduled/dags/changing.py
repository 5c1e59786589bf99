"""A DAG of Airflow whose code changes between two runs."""

from __future__ import annotations

from scheduled.loads import BY_HOUR, dag_of, load
from scheduled.named import name_of

VALUE = "__value__"
TABLE = name_of("changing")

with dag_of("changing"):
    load(
        "changing",
        table=TABLE,
        partition=BY_HOUR,
        columns={"p": "__partition__", "o": "__offset__", "v": VALUE},
        on_rerun="replace",
    )
