"""Parsing a DAG file stays cheap: heavy clients are imported when a task runs, and DuckDB where a mapping needs it."""

import os
import subprocess
import sys

import pytest
from kit.airflow_home import ROOT

HEAVY = ("odps", "kafka", "numpy", "pyarrow", "duckdb")


@pytest.mark.parametrize(
    "module",
    [
        "airflow_provider_kafka_odps",
        "airflow_provider_kafka_odps.exceptions",
        "airflow_provider_kafka_odps.get_provider_info",
        "airflow_provider_kafka_odps.hooks.kafka",
        "airflow_provider_kafka_odps.hooks.odps",
        "airflow_provider_kafka_odps.transfers.kafka_to_maxcompute",
    ],
)
def test_importing_loads_no_heavy_client(module: str) -> None:
    """A fresh interpreter that imports the module has loaded none of the heavy clients."""
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == []


_LOADED = """
import sys
from core.world import World, attempt_at
from airflow_provider_kafka_odps.clients.kafka import reader
from airflow_provider_kafka_odps.clients.maxcompute import sql, tables, upload
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.transfers import build

columns = {{"p": "__partition__", "o": "__offset__", "v": {source!r}}}
receipt = transfer(attempt_at(World(), Mode.APPEND, columns=columns))
assert receipt.rows == 4, receipt.rows
print("duckdb" in sys.modules)
"""


@pytest.mark.parametrize(("source", "needed"), [("__value__", False), ("__timestamp__", False), ("a.b", True)])
def test_a_load_imports_duckdb_where_its_mapping_needs_it(source: str, needed: bool) -> None:
    """Columns of plain parts of a record are made without it; a path into JSON is found by it."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    told = subprocess.run(
        [sys.executable, "-c", _LOADED.format(source=source)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == str(needed)
