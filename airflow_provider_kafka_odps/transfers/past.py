"""What Airflow keeps of earlier windows: the state store of the table's asset, and the XCom of the run before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.bounds import Interval
from airflow_provider_kafka_odps.core.cuts import Author
from airflow_provider_kafka_odps.core.table import TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Asset

XCOM_WINDOW = "window"
_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def table_asset(table: object, project: object, maxcompute_conn_id: str) -> Asset | None:
    """Return the asset of a table, None where a template, or another task, will name it only at run time.

    The URI is ``maxcompute://project/schema/table`` as far as the parts are given, in lower case as MaxCompute compares
    names; a table of the connection's own project has the connection's id in place of the project. The asset's name is
    its URI: two DAGs that name the same table mean the same asset.
    """
    from airflow.sdk import Asset

    if not isinstance(table, str) or not isinstance(project, str | None) or "{" in f"{table}{project}":
        return None
    try:
        name = TableName.parse(table)
    except InvalidInput:
        # The task says so when it runs.
        return None
    parts = [name.project or project or maxcompute_conn_id, name.schema, name.name]
    uri = f"maxcompute://{'/'.join(part for part in parts if part)}".lower()
    return Asset(name=uri, uri=uri)


def author_of(context: Mapping[str, Any]) -> Author:
    """Return who a task instance is to other runs."""
    ti = context["ti"]
    task = f"{ti.dag_id}.{ti.task_id}"
    return Author(task if ti.map_index in (None, -1) else f"{task}[{ti.map_index}]", context["run_id"])


@dataclass(frozen=True, slots=True)
class AssetStore:
    """Airflow's state store of one asset; every task that loads the table may write to it."""

    accessor: Any

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was set last, or None."""
        written: Mapping[str, Any] | None = self.accessor.get(key)
        return written

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Set the value. Airflow's own error fails the attempt: what is not remembered must not be loaded."""
        self.accessor.set(key, dict(value))

    def delete(self, key: str) -> None:
        """Forget the value."""
        self.accessor.delete(key)


def asset_store(context: Mapping[str, Any], asset: Asset | None) -> AssetStore | None:
    """Return the state store of an asset, None where the task was not registered with it.

    Airflow knows inlets and outlets of a mapped task only if they are given to ``partial``.
    """
    stores = context.get("asset_state_store")
    if asset is None or stores is None:
        return None
    try:
        return AssetStore(stores[asset])
    except KeyError:
        return None


def previous_window(context: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return the run before this one by date, and the window that this task pushed there; None if there is none.

    A run that is still queued is not asked: it cannot have pushed one, and Airflow logs each XCom that is missing.
    """
    ti = context["ti"]
    run = ti.get_previous_dagrun()
    if run is None or run.state == "queued":
        return None
    index = -1 if ti.map_index is None else ti.map_index
    window = ti.xcom_pull(task_ids=ti.task_id, key=XCOM_WINDOW, run_id=run.run_id, map_indexes=index)
    return (run.run_id, window) if isinstance(window, Mapping) else None


def is_active(context: Mapping[str, Any], run_id: str) -> bool:
    """Tell whether this task, in another run, may still run: it waits, runs, or will be retried."""
    ti = context["ti"]
    index = None if ti.map_index in (None, -1) else ti.map_index
    found = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[run_id], map_index=index)
    return any(state not in _ENDED for states in found.values() for state in states.values())


def run_interval(context: Mapping[str, Any]) -> Interval:
    """Return the run's data interval; of a run for a partition, which has none, the partition's own interval.

    It reaches from the run's partition date to the next one of its ``CronPartitionTimetable``.
    """
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    begins = context.get("partition_date")
    if start is not None or end is not None or begins is None:
        return Interval(start, end)
    return Interval(begins, _next_partition(context["dag"].timetable, begins))


def _next_partition(timetable: Any, begins: datetime) -> datetime | None:
    from airflow.sdk import CronPartitionTimetable
    from airflow.timetables.trigger import CronPartitionTimetable as Scheduled

    if isinstance(timetable, CronPartitionTimetable):
        # That of the DAG's file cannot count; the scheduler's can.
        timetable = Scheduled(timetable.expression, timezone=timetable.timezone)
    if not isinstance(timetable, Scheduled):
        return None
    # It takes what it is given for its own zone's wall clock: a day earlier is before the partition in every zone.
    ticks = timetable.iter_partition_dagrun_infos(earliest=begins - timedelta(days=1), latest=_LAST)
    return next((tick.partition_date for tick in ticks if tick.partition_date and tick.partition_date > begins), None)
