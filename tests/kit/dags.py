"""Run a DAG in this process, and run it again as after a click on "Clear"."""

from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from demo.airflow_runs import rerun
from kit.airflow_home import TEST_DAGS, TEST_DAGS_FOLDER


def run_dag(dag: DAG, **how: Any) -> DagRun:
    """Register a DAG that a test wrote, run it and return its finished run; `how` goes to `dag.test`.

    `dag.test` wants its DAG in the database, and would look for it in the folder of example DAGs only.
    Another call for the same logical date is another run: `dag.test` deletes the first one with its journal.
    """
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=TEST_DAGS_FOLDER, bundle_path=TEST_DAGS_FOLDER, bundle_name=TEST_DAGS)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, TEST_DAGS, None)
    run: DagRun = dag.test(**how)
    return run


def rerun_dag(dag: DAG, run: DagRun) -> DagRun:
    """Clear every task of a finished run and run it again: the same run, so its journal is still there."""
    return rerun(dag, run.run_id)
