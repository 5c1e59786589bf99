"""The DAGs of the histories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronPartitionTimetable, task
from scheduled.loads import BY_HOUR, dag_of, load
from scheduled.named import MIDNIGHT

# The scheduler itself makes these runs, one after the other.
with dag_of("in_order", start_date=MIDNIGHT, end_date=MIDNIGHT + timedelta(hours=24), catchup=True, max_active_runs=1):
    load("in_order", partition=BY_HOUR)

for name in ("four_at_a_time", "backwards", "late_between", "failed_while_running"):
    with dag_of(name):
        load(name, partition=BY_HOUR if name == "backwards" else None)

with dag_of("cleared"):

    @task
    def count(receipt: dict[str, Any]) -> int:
        """Return what the load before has counted."""
        rows: int = receipt["rows"]
        return rows

    # In a partition of its own, a window may be replaced while others are.
    count(load("cleared", partition=BY_HOUR, on_rerun="replace").output)  # type: ignore[arg-type]

with dag_of("routed"):
    load("routed", partition_by={"hh": "__timestamp__ | format('ddHH', 'UTC')"}, on_rerun="replace")

with dag_of("same_conf", params={"start": "interval", "end": "interval"}):
    load("same_conf", start="{{ params.start }}", end="{{ params.end }}")

with dag_of("by_partition", CronPartitionTimetable("0 * * * *", timezone="UTC", key_format="%Y%m%d%H")):
    load("by_partition")

with dag_of("in_a_chain", None):
    load("in_a_chain", start="previous", first_start="earliest", end="latest", max_offsets=6)

with dag_of("forgotten", None):
    load("forgotten", start="earliest", end="latest")
