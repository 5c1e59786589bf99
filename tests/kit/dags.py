"""Run a DAG in this process, and run it again as after a click on "Clear"."""

import uuid
from datetime import UTC, datetime
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from demo.airflow_runs import rerun
from kit.airflow_home import TEST_DAGS, TEST_DAGS_FOLDER


def register(dag: DAG) -> None:
    """Write a DAG that a test made, and its assets, to the database."""
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=TEST_DAGS_FOLDER, bundle_path=TEST_DAGS_FOLDER, bundle_name=TEST_DAGS)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, TEST_DAGS, None)


def run_dag(dag: DAG, **how: Any) -> DagRun:
    """Register a DAG that a test wrote, run it and return its finished run; `how` goes to `dag.test`.

    `dag.test` wants its DAG in the database, and would look for it in the folder of example DAGs only.
    Another call for the same logical date is another run: `dag.test` deletes the first one with its journal.
    """
    register(dag)
    run: DagRun = dag.test(**how)
    return run


def run_as(dag: DAG, run_type: DagRunType, **what: Any) -> DagRun:
    """Register a DAG, and run it as `dag.test` cannot: for a partition, or as a part of a backfill."""
    register(dag)
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    with create_session() as session:
        created = scheduled.create_dagrun(
            run_id=f"{run_type.value}__{uuid.uuid4().hex}",
            run_after=datetime.now(UTC),
            run_type=run_type,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            session=session,
            **what,
        )
        run_id = created.run_id
    return rerun(dag, run_id)


def rerun_dag(dag: DAG, run: DagRun) -> DagRun:
    """Clear every task of a finished run and run it again: the same run, so its journal is still there."""
    return rerun(dag, run.run_id)
