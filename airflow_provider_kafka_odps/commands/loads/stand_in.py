"""What Airflow gives to a running task, as far as parameters need it: there is no run here."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.commands.loads.dag_file import as_airflows, dag_of
from airflow_provider_kafka_odps.core.window.parsing import Interval
from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

RUN_ID = "command_line"
"""In place of a run's id."""


def context_of(task: KafkaToMaxComputeOperator, interval: Interval, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a run for a data interval, in which nothing can be written."""
    from airflow.sdk.execution_time.context import ConnectionAccessor, MacrosAccessor, VariableAccessor

    dag: Any = dag_of(task) or SimpleNamespace(dag_id=RUN_ID, params={}, get_task=lambda _: task)
    ti = SimpleNamespace(
        dag_id=dag.dag_id,
        task_id=task.task_id,
        map_index=-1,
        run_id=RUN_ID,
        try_number=1,
        get_previous_dagrun=lambda: None,
        get_task_states=lambda **_: {},
    )
    dag_run = SimpleNamespace(run_id=RUN_ID, run_type="manual", conf={}, clear_number=0, **_dates(interval))
    return {
        "dag": dag,
        "task": task,
        "ti": ti,
        "task_instance": ti,
        "run_id": RUN_ID,
        "dag_run": dag_run,
        "params": _params(dag.params, params),
        "conn": ConnectionAccessor(),
        "var": {"json": VariableAccessor(deserialize_json=True), "value": VariableAccessor(deserialize_json=False)},
        "macros": MacrosAccessor(),
        **_dates(interval),
    }


def _params(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(given.keys() - defaults.keys()):
        raise InvalidInput(f"--param {unknown[0]}: the DAG has no such param; it has {', '.join(defaults) or 'none'}")
    return {**{name: defaults[name] for name in defaults}, **given}


def _dates(interval: Interval) -> dict[str, Any]:
    """Return the variables of templates that are times; none where the run has no interval, as Airflow does."""
    if interval.start is None or interval.end is None:
        return {}
    start, end = as_airflows(interval.start), as_airflows(interval.end)
    day, instant = start.strftime("%Y-%m-%d"), start.isoformat()
    return {
        "logical_date": start,
        "data_interval_start": start,
        "data_interval_end": end,
        "ds": day,
        "ds_nodash": day.replace("-", ""),
        "ts": instant,
        "ts_nodash": start.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": instant.replace("-", "").replace(":", ""),
    }
