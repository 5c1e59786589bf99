"""A task of a DAG's file: the file is imported as Airflow's DAG processor does, and nothing of it is run or stored."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.window.parsing import Interval
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

if TYPE_CHECKING:
    from airflow.sdk import DAG


def task_of(file: Path, dag_id: str | None, task_id: str | None) -> KafkaToMaxComputeOperator:
    """Return the task that is meant.

    Raises InvalidInput, with what there is, where the file cannot be imported, or leaves open which task it is.
    """
    dag = _only(_dags(file), "DAG", dag_id, f"{file}", "--dag-id")
    loads = {task.task_id: task for task in dag.tasks if _loads(task)}
    if task_id is not None and task_id in dag.task_ids and task_id not in loads:
        raise InvalidInput(
            f"task {task_id!r} of DAG {dag.dag_id!r} is a {type(dag.get_task(task_id)).__name__}, not a "
            f"{KafkaToMaxComputeOperator.__name__}; those are {_listed(loads)}"
        )
    task = _only(loads, "task with a KafkaToMaxComputeOperator", task_id, f"DAG {dag.dag_id!r}", "--task-id")
    if not isinstance(task, KafkaToMaxComputeOperator):
        raise InvalidInput(
            f"task {task.task_id!r} of DAG {dag.dag_id!r} is mapped: what it is mapped over is known when it runs. "
            "Give the parameters of one instance by --parameters or --set"
        )
    return task


def dag_of(task: KafkaToMaxComputeOperator) -> DAG | None:
    """Return the DAG of a task; None for one that was made of parameters alone."""
    return task.dag if task.has_dag() else None  # type: ignore[no-untyped-call]


def latest_interval(dag: DAG, now: datetime) -> Interval:
    """Return the last data interval of a DAG's schedule that has ended; none where its schedule has no intervals."""
    from airflow.serialization.serialized_objects import DagSerialization

    # The timetable of the file cannot count; the scheduler's can.
    scheduled: Any = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    found = scheduled.timetable.infer_manual_data_interval(run_after=as_airflows(now))
    if found is None or found.start >= found.end:
        return Interval(None, None)
    return Interval(found.start.astimezone(UTC), found.end.astimezone(UTC))


def as_airflows(moment: datetime) -> Any:
    """Return a moment in the class that Airflow gives to templates and timetables."""
    from airflow.sdk.timezone import coerce_datetime

    return coerce_datetime(moment)


def _dags(file: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    if not file.is_file():
        raise InvalidInput(f"--dag-file {file}: there is no such file")
    # What stands beside it may be imported by it.
    sys.path.insert(0, str(file.parent.absolute()))
    try:
        bag = DagBag(str(file.absolute()), safe_mode=False, load_op_links=False)
    finally:
        sys.path.pop(0)
    if bag.import_errors:
        told = next(iter(bag.import_errors.values())).strip()
        raise InvalidInput(f"{file} cannot be imported: {told.splitlines()[-1]}")
    return dict(bag.dags)


def _loads(task: Any) -> bool:
    mapped = getattr(task, "operator_class", None)
    return isinstance(task, KafkaToMaxComputeOperator) or (
        isinstance(mapped, type) and issubclass(mapped, KafkaToMaxComputeOperator)
    )


def _only(found: dict[str, Any], what: str, wanted: str | None, where: str, option: str) -> Any:
    if wanted is not None and wanted not in found:
        raise InvalidInput(f"{where} has no {what} {wanted!r}; it has {_listed(found)}")
    if not found:
        raise InvalidInput(f"{where} has no {what}")
    if wanted is None and len(found) > 1:
        raise InvalidInput(f"{where} has {_listed(found)}: say which {what} is meant, by {option}")
    return found[next(iter(found)) if wanted is None else wanted]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
