"""The name of a load: the same for all of its tries, and another one for every other task instance."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import pytest

from airflow_provider_kafka_odps.core.table.names import is_partition_value
from airflow_provider_kafka_odps.transfers.runtime.run import load_id


def named(dag: str, task: str, run: str = "scheduled__1", mapped: int = -1) -> str:
    """Return the name of a task instance's load."""
    return load_id({"ti": SimpleNamespace(dag_id=dag, task_id=task, map_index=mapped, run_id=run)})


def test_a_usual_name_can_be_read() -> None:
    """As people know it from the UI."""
    assert (
        named("hourly", "load", "scheduled__2026-11-22T10:00:00+00:00") == "hourly.load.scheduled__2026-11-22T10:00:00Z"
    )
    assert named("hourly", "load", mapped=3) == "hourly.load-3.scheduled__1"


def test_no_two_task_instances_share_a_name() -> None:
    """Of two that load into one table, one would replace what the other has staged, or its rejects."""
    alike = [
        named("sales", "eu.load"),
        named("sales.eu", "load"),
        named("sales", "load-3"),
        named("sales", "load", mapped=3),
        named("sales", "lo ad"),
        named("sales", "lo+ad"),
        named("sales", "x" * 250),
        named("sales", "x" * 251),
    ]
    assert [one for one, other in combinations(alike, 2) if one == other] == []


@pytest.mark.parametrize("task", ["load", "eu.load", "größe", "x" * 250])
def test_every_name_can_be_a_partition(task: str) -> None:
    """Whatever Airflow allows."""
    assert is_partition_value(named("d" * 250, task, "r" * 250))
