"""An Airflow of the tests' own: its environment before anything imports Airflow, its database on demand."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TEMPLATES = ROOT / "build" / "airflow"
TEST_DAGS = "test-dags"


def _new_home() -> Path:
    """Return a new empty folder that is removed when this interpreter ends."""
    home = Path(tempfile.mkdtemp(prefix="airflow-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def _bundle(name: str, folder: Path) -> dict[str, object]:
    kind = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": kind, "kwargs": {"path": str(folder)}}


def _isolate(environment: "os._Environ[str]", home: Path) -> None:
    """Replace every Airflow setting of the caller by the few that the tests need."""
    for name in [name for name in environment if name.startswith("AIRFLOW_")]:
        del environment[name]
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [_bundle("dags-folder", ROOT / "example_dags"), _bundle(TEST_DAGS, home / TEST_DAGS)]
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


HOME = _new_home()
TEST_DAGS_FOLDER = HOME / TEST_DAGS
"""The bundle of the DAGs that tests write; it is empty, because they are registered, not parsed."""
TEST_DAGS_FOLDER.mkdir()
_isolate(os.environ, HOME)


def _migrated_template() -> Path:
    """Return an empty database of the installed Airflow; migrating takes 13 s, so it is kept between runs."""
    template = _TEMPLATES / f"{version('apache-airflow-core')}.db"
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=subprocess.DEVNULL)
        # Renamed into place: two runs at once leave one whole template.
        unfinished = template.with_suffix(f".{os.getpid()}")
        shutil.copyfile(HOME / "airflow.db", unfinished)
        unfinished.replace(template)
    return template


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Return the path of the migrated SQLite database that Airflow uses in this run; `dag.test` needs it."""
    database = HOME / "airflow.db"
    shutil.copyfile(_migrated_template(), database)
    return database
