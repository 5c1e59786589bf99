"""Run an example DAG by `dag.test`, run the same DAG run again, and look at what its task left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import clear_task_instances
from airflow.sdk import DAG, DagRunState, TaskInstanceState
from airflow.sdk.definitions.dag import _run_task
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from demo.airflow_home import DAGS

TASK = "load"
"""The task that loads, in the example DAGs that load."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A DAG run that has ended."""

    dag_id: str
    run_id: str
    logical_date: datetime
    state: str
    window: Mapping[str, Any] | None
    """What the task pushed to XCom as ``window``."""
    receipt: Mapping[str, Any] | None
    """What the task returned."""


def run(dag_id: str, logical_date: datetime, conf: Mapping[str, Any] | None = None) -> Finished:
    """Run the example DAG once, in this process, and try each task once.

    Airflow takes an interruption for a failure of the task: whoever pressed Ctrl-C would wait for the next try.
    """
    dag = example(dag_id)
    for task in dag.tasks:
        task.retries = 0
    ended = dag.test(logical_date=logical_date, run_conf=dict(conf or {}))
    return _finished(ended)


def run_again(first: Finished) -> Finished:
    """Clear a finished run of an example DAG, and run it again."""
    return _finished(rerun(example(first.dag_id), first.run_id))


def rerun(dag: DAG, run_id: str) -> DagRun:
    """Clear every task of a finished DAG run, as a person does in the UI, and run it again in this process.

    `dag.test` would not do: it deletes the run, and with it the window that the run has recorded.
    """
    with create_session() as session:
        again = _run_of(dag, run_id, session)
        clear_task_instances(list(again.get_task_instances(session=session)), session)
    return run_queued(dag, run_id)


def run_queued(dag: DAG, run_id: str) -> DagRun:
    """Run the tasks of a DAG run that were triggered or cleared, in this process, as scheduler and workers do."""
    with create_session() as session:
        queued = _run_of(dag, run_id, session)
        queued.state = DagRunState.RUNNING
        while queued.state == DagRunState.RUNNING:
            schedulable, _ = queued.update_state(session=session)
            for task in schedulable:
                task.try_number += 1
                task.state = TaskInstanceState.SCHEDULED
            session.commit()
            for task in schedulable:
                _run_task(ti=task, task=dag.task_dict[task.task_id], run_triggerer=True)
            session.expire_all()
    return queued


def _run_of(dag: DAG, run_id: str, session: Session) -> DagRun:
    found = session.scalars(select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.run_id == run_id)).one()
    found.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    return found


@cache
def example(dag_id: str) -> DAG:
    """Return an example DAG, parsed once."""
    bag = DagBag(dag_folder=DAGS / f"{dag_id}.py", bundle_path=DAGS, bundle_name="dags-folder")
    if bag.import_errors:
        raise RuntimeError(f"the example DAG {dag_id} cannot be imported: {bag.import_errors}")
    dag: DAG = bag.dags[dag_id]
    return dag


def _finished(ended: DagRun) -> Finished:
    task = ended.get_task_instance(TASK)
    assert ended.logical_date is not None
    return Finished(
        dag_id=ended.dag_id,
        run_id=ended.run_id,
        logical_date=ended.logical_date,
        state=str(ended.state),
        window=task and task.xcom_pull(task_ids=TASK, key="window"),
        receipt=task and task.xcom_pull(task_ids=TASK),
    )
