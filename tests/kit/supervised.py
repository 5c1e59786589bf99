"""Airflow's supervisor without a scheduler: each task of a file's DAGs in a process of its own, as on a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.airflow_home import isolate, migrate

BUNDLE = "supervised"
"""The bundle of the file."""

_TEMPLATES = Path(__file__).parents[2] / "build" / "airflow"


def supervised(folder: Path, file: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Run the DAGs of a file in an Airflow whose home is ``folder/home``; return the state of each task by its DAG.

    ``environment`` is added to that of the tasks: connections, settings, and what the file reads. Raises
    AssertionError with the end of what was printed if Airflow itself fails.
    """
    settings = dict(os.environ)
    folder.joinpath("home").mkdir()
    isolate(settings, folder / "home")
    bundle = {
        "name": BUNDLE,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(file.parent)},
    }
    settings |= {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        **environment,
    }
    migrate(folder / "home", _TEMPLATES, settings)
    with folder.joinpath("output").open("wb") as output:
        ended = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("workload.py")), str(file), str(folder / "states")],
            check=False,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=settings,
            cwd=folder,
        )
    assert ended.returncode == 0, folder.joinpath("output").read_text(errors="replace")[-5000:]
    states: dict[str, str] = json.loads(folder.joinpath("states").read_text())
    return states
