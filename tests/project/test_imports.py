"""Parsing a DAG file stays cheap: the heavy clients are imported when a task runs, not before."""

import subprocess
import sys

import pytest

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
