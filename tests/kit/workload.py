"""Run each DAG of a file, its task in a process under a supervisor, as Airflow's ``execute_workload`` does.

``python workload.py FILE STATES`` writes the last state of each task as JSON; ``AIRFLOW_HOME`` has a migrated database.
A DAG with the tag ``again`` runs once more, as after a click on "Clear".
"""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.executors.workloads.task import ExecuteTask
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.sdk import DAG
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, supervise_task
from airflow.sdk.log import configure_logging
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from kit.supervised import BUNDLE
from sqlalchemy import select
from sqlalchemy.orm import Session

# Tasks are forked from this process: what it has imported, they need not import again, for seconds each.
import airflow_provider_kafka_odps.clients.kafka.reader
import airflow_provider_kafka_odps.clients.maxcompute.upload
import airflow_provider_kafka_odps.transfers.build  # noqa: F401 - the same


def run_all(file: Path) -> dict[str, str]:
    """Run them one after the other, and return the state of each by its DAG."""
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=file, bundle_path=file.parent, bundle_name=BUNDLE)
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, BUNDLE, None)
    return {dag_id: _run(dag, file) for dag_id, dag in bag.dags.items()}


def _run(dag: DAG, file: Path) -> str:
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    with create_session() as session:
        run: DagRun = scheduled.create_dagrun(
            run_id=f"manual__{uuid.uuid4().hex}",
            run_after=datetime.now(UTC),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            session=session,
        )
        run_id = run.run_id
        session.commit()
    state = _attempt(run_id, file)
    if "again" not in dag.tags:
        return state
    with create_session() as session:
        clear_task_instances([_instance(run_id, session)], session)
    return _attempt(run_id, file)


def _instance(run_id: str, session: Session) -> TaskInstance:
    # Not by its id: one that is cleared gets another.
    return session.scalars(select(TaskInstance).where(TaskInstance.run_id == run_id)).one()


def _attempt(run_id: str, file: Path) -> str:
    with create_session() as session:
        instance = _instance(run_id, session)
        instance.state, instance.try_number = TaskInstanceState.QUEUED, instance.try_number + 1
        session.commit()
        workload = ExecuteTask.make(instance, dag_rel_path=Path(file.name))
    supervise_task(
        ti=workload.ti,  # type: ignore[arg-type]
        bundle_info=workload.bundle_info,
        dag_rel_path=workload.dag_rel_path,
        token="",
        log_path=workload.log_path,
        client=InProcessTestSupervisor._api_client(),  # an API server without a port
        subprocess_logs_to_stdout=True,
    )
    with create_session() as session:
        return str(_instance(run_id, session).state)


if __name__ == "__main__":
    configure_logging(output=sys.stdout.buffer, json_output=True)
    Path(sys.argv[2]).write_text(json.dumps(run_all(Path(sys.argv[1]))))
