"""An Airflow of the tests' own: its environment before anything imports Airflow, its database on demand."""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from demo.airflow_home import DAGS, isolate, migrate

ROOT = Path(__file__).parents[2]
TEST_DAGS = "test-dags"


def _new_home() -> Path:
    """Return a new empty folder that is removed when this interpreter ends."""
    home = Path(tempfile.mkdtemp(prefix="airflow-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def _bundle(name: str, folder: Path) -> dict[str, object]:
    kind = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": kind, "kwargs": {"path": str(folder)}}


HOME = _new_home()
TEST_DAGS_FOLDER = HOME / TEST_DAGS
"""The bundle of the DAGs that tests write; it is empty, because they are registered, not parsed."""
TEST_DAGS_FOLDER.mkdir()
isolate(os.environ, HOME)
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [_bundle("dags-folder", DAGS), _bundle(TEST_DAGS, TEST_DAGS_FOLDER)]
)


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Return the path of the migrated SQLite database that Airflow uses in this run; `dag.test` needs it."""
    return migrate(HOME, ROOT / "build" / "airflow")
