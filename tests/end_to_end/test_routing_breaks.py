"""Edits, clears and rejects around a routed load: each record once, in its own column and partition, or a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from end_to_end.test_routing import ALL, BY, COLUMNS, LOADED, rows, table, topic  # noqa: F401 - two are fixtures
from kit.task_run import TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint
from airflow_provider_kafka_odps.transfers.adapters.staging import HookMerges

LOST = "ODPS-0010000:System internal error - a worker was lost"
REFUSED = "ODPS-0123031:Partition exception - invalid dynamic partition value: ds=2025-11-23"
NOT_THERE = {level: source.replace("t |", "not_there |") for level, source in BY.items()}
OLD = [("20251123", "00", "old")]


@pytest.fixture
def in_doubt(task_run: TaskRun, topic: str, table: str, endpoint: RunningEndpoint) -> TaskRun:  # noqa: F811
    """Return a task whose rows are staged, and whose statement has failed."""
    endpoint.control.fail_insert(LOST)
    with fails("none of them is visible"):
        task_run.attempt(topic=topic, table=table, **ALL)
    return task_run


def test_a_column_is_added_to_the_mapping_while_rows_are_staged(
    in_doubt: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
) -> None:
    """What is staged is moved as it is; the column that nothing is staged for does not stop it."""
    columns = {**COLUMNS, "more": "more"}
    in_doubt.attempt(topic=topic, table=table, on_schema_drift="add", **{**ALL, "columns": columns})
    assert rows(odps, table) == LOADED


def test_a_column_is_renamed_while_rows_are_staged(
    in_doubt: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
) -> None:
    """Its values are not lost: the statement fails, and after a clear the window is loaded by the new mapping."""
    odps.run_sql(f"ALTER TABLE {table} CHANGE COLUMN v RENAME TO w")
    renamed = {**ALL, "columns": {"p": "__partition__", "o": "__offset__", "w": "v"}}
    with fails("none of them is visible.*once the task is cleared, the window is loaded again"):
        in_doubt.attempt(topic=topic, table=table, **renamed)
    in_doubt.clear_number = 1
    with fails("The task was cleared since they were staged, so the next attempt loads the window again"):
        in_doubt.attempt(topic=topic, table=table, **renamed)
    in_doubt.attempt(topic=topic, table=table, **renamed)
    found = odps.run_sql(f"SELECT w FROM {table} WHERE p >= 0 ORDER BY w").to_pylist()
    assert [row["w"] for row in found] == [f"r{at}" for at in range(6)]


def test_a_column_takes_the_place_of_another_before_the_statement(
    task_run: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
    mocker: Any,
) -> None:
    """The values of one are not put into the other, which stands where it stood."""
    real = HookMerges.start

    def after_a_change(self: HookMerges, *where: Any) -> str:
        odps.run_sql(f"ALTER TABLE {table} DROP COLUMN v")
        odps.run_sql(f"ALTER TABLE {table} ADD COLUMNS (other STRING)")
        return real(self, *where)

    mocker.patch.object(HookMerges, "start", after_a_change)
    with fails("none of them is visible"):
        task_run.attempt(topic=topic, table=table, **ALL)
    assert odps.run_sql(f"SELECT other FROM {table} WHERE other IS NOT NULL").to_pylist() == []


def refuse_the_first_upload(endpoint: RunningEndpoint, mocker: Any) -> None:
    """Let the service refuse for good what the next upload stages, and nothing else."""
    real, names = HookMerges.start, set[str]()

    def start(self: HookMerges, staged: Any, name: str) -> str:
        upload = name.rsplit("-", 1)[0]
        names.add(upload)
        if len(names) == 1:
            endpoint.control.fail_insert(REFUSED)
        return real(self, staged, name)

    mocker.patch.object(HookMerges, "start", start)


def test_values_that_the_service_refuses_are_corrected(
    task_run: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
    endpoint: RunningEndpoint,
    mocker: Any,
) -> None:
    """A person corrects partition_by and clears the task: what is staged is given up, not tried for three days."""
    refuse_the_first_upload(endpoint, mocker)
    iso = {**BY, "ds": "t | epoch_ms | date('Asia/Shanghai')"}
    for _ in range(2):
        with fails("invalid dynamic partition value"):
            task_run.attempt(topic=topic, table=table, **{**ALL, "partition_by": iso})
    task_run.clear_number = 1
    with fails("the next attempt loads the window again"):
        task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == OLD
    task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == LOADED


def test_a_replacement_that_the_service_refuses_is_corrected(
    task_run: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
    endpoint: RunningEndpoint,
    mocker: Any,
) -> None:
    """The rows of the load before are removed by then: they come back with the next clear."""
    again = {**ALL, "on_rerun": "replace"}
    task_run.attempt(topic=topic, table=table, **again)
    refuse_the_first_upload(endpoint, mocker)
    iso = {**BY, "ds": "t | epoch_ms | date('Asia/Shanghai')"}
    task_run.clear_number = 1
    with fails("invalid dynamic partition value"):
        task_run.attempt(topic=topic, table=table, **{**again, "partition_by": iso})
    task_run.clear_number = 2
    with fails("the next attempt loads the window again"):
        task_run.attempt(topic=topic, table=table, **again)
    task_run.attempt(topic=topic, table=table, **again)
    assert rows(odps, table) == LOADED


def test_a_window_of_rejects_alone_looks_at_no_partition(
    task_run: TaskRun,
    odps: OdpsHook,
    topic: str,  # noqa: F811
    table: str,  # noqa: F811
    mocker: Any,
) -> None:
    """A query without a partition reads the whole table, which most projects refuse; neither does a replacement."""
    seen: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(OdpsHook, name)

        def call(self: OdpsHook, statement: str, *more: Any) -> Any:
            seen.append(statement)
            return real(self, statement, *more)

        return call

    for name in ("run_sql", "start_sql"):
        mocker.patch.object(OdpsHook, name, watched(name))
    all_rejects = {**ALL, "max_rejects": 6, "rejects_table": f"{table}_r", "on_rerun": "replace"}
    receipt = task_run.attempt(topic=topic, table=table, **{**all_rejects, "partition_by": NOT_THERE})
    assert (receipt["rows"], receipt["rejects"], receipt["reconciled"]) == (0, 6, None)
    task_run.clear_number = 1
    task_run.attempt(topic=topic, table=table, **all_rejects)
    reads = [each for each in seen if f"{table}`" in each and ("SELECT" in each or "OVERWRITE" in each)]
    assert [each for each in reads if "`ds`=" not in each and "PARTITION (`ds`, `hh`)" not in each] == []
    assert rows(odps, table) == LOADED
