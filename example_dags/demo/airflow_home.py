"""An Airflow of one's own for a while: settings, database and folder that touch no other Airflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from pathlib import Path

DAGS = Path(__file__).parents[1]
"""The folder of the example DAGs."""


def isolate(environment: MutableMapping[str, str], home: Path) -> None:
    """Replace every Airflow setting in ``environment`` by the few that are needed; before Airflow is imported."""
    for name in [name for name in environment if name.startswith("AIRFLOW_")]:
        del environment[name]
    environment.update(
        {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
    )


def migrate(home: Path, templates: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Give the Airflow in ``home`` an empty database and return its path.

    ``environment`` has that Airflow's settings; without it, this process has them.
    Migrating takes 13 s, so an empty database of each Airflow version is kept in ``templates``.
    Raises RuntimeError with Airflow's own words when it cannot be migrated.
    """
    database = home / "airflow.db"
    template = templates / f"{version('apache-airflow-core')}.db"
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        migrate_database(os.environ if environment is None else environment)
        # Renamed into place: two runs at once leave one whole template.
        unfinished = template.with_suffix(f".{os.getpid()}")
        shutil.copyfile(database, unfinished)
        unfinished.replace(template)
    shutil.copyfile(template, database)
    return database


def migrate_database(environment: Mapping[str, str]) -> None:
    """Give the database that Airflow has in ``environment`` its tables.

    Raises RuntimeError with Airflow's own words when it cannot be done.
    """
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    migrated = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if migrated.returncode:
        raise RuntimeError(f"`airflow db migrate` failed:\n{migrated.stdout[-2000:]}{migrated.stderr[-2000:]}")
