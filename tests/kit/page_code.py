"""The Python of a page, read as DAG files are."""

from __future__ import annotations

import re
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from kit.airflow_home import ROOT

_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def dags_of(page: str, folder: Path) -> dict[str, DAG]:
    """Write each block of a page that makes a DAG into a file of the folder, and return the DAGs that Airflow finds.

    Raises AssertionError if one of them cannot be imported.
    """
    blocks = _PYTHON.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    for number, block in enumerate(each for each in blocks if "with DAG(" in each):
        (folder / f"block_{number}.py").write_text(block, encoding="utf-8")
    bag = DagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    assert bag.import_errors == {}
    return dict(bag.dags)
