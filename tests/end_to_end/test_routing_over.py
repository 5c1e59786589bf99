"""A load replaces the partitions of its interval: late and early records are rejects, other partitions stay."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.task_run import Send, TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
BY = {level: f"t | epoch_ms | format('{pattern}', 'UTC')" for level, pattern in {"ds": "yyyyMMdd", "hh": "HH"}.items()}
OVER = {
    "columns": {"p": "__partition__", "o": "__offset__", "v": "v"},
    "value_type": "json",
    "partition_by": BY,
    "mode": "overwrite",
    "partitions_within_interval": True,
}
OLD = [("20261122", "09", "nine"), ("20261122", "10", "ten"), ("20261122", "12", "twelve")]


@pytest.fixture
def task_run() -> TaskRun:
    """Return the task instance of three hours."""
    return TaskRun(interval=(TEN, TEN + timedelta(hours=3)))


@pytest.fixture
def table(odps: OdpsHook) -> str:
    """Return a table with rows of somebody else: in two partitions of the interval, and in one before it."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    odps.run_sql(f"CREATE TABLE {name} (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (ds STRING, hh STRING)")
    for ds, hh, value in OLD:
        odps.run_sql(f"INSERT INTO TABLE {name} PARTITION (ds='{ds}', hh='{hh}') VALUES (-1, -1, '{value}')")
    return name


@pytest.fixture
def write(make_topic: Callable[..., str], send: Send) -> Callable[..., str]:
    """Return a function that fills a topic: minutes after ten by the field → value; all arrive in the interval."""

    def fill(**values: int) -> str:
        topic = make_topic()
        for value, minutes in values.items():
            moment = TEN + timedelta(minutes=minutes)
            arrives = int((TEN + timedelta(minutes=90)).timestamp() * 1000)
            text = json.dumps({"t": int(moment.timestamp() * 1000), "v": value})
            send(topic, text.encode(), timestamp_ms=arrives)
        return topic

    return fill


def rows(odps: OdpsHook, table: str) -> list[tuple[str, str, str]]:
    """Return level, level and value of all rows, in order."""
    found = odps.run_sql(f"SELECT ds, hh, v FROM {table} ORDER BY ds, hh, v").to_pylist()
    return [(row["ds"], row["hh"], row["v"]) for row in found]


def test_the_partitions_of_the_interval_are_replaced(
    task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str
) -> None:
    """Also the one that gets no row; a clear, and a second one, end with the same."""
    topic = write(a=0, b=59, c=60)
    for clear_number in range(3):
        task_run.clear_number = clear_number
        receipt = task_run.attempt(topic=topic, table=table, **OVER)
        assert rows(odps, table) == [
            OLD[0],
            ("20261122", "10", "a"),
            ("20261122", "10", "b"),
            ("20261122", "11", "c"),
        ]
        assert receipt["per_partition"] == {"ds=20261122,hh=10": 2, "ds=20261122,hh=11": 1}
        assert receipt.get("emptied") == (["ds=20261122,hh=12"] if clear_number == 0 else None)
        assert receipt["reconciled"] == "offsets"


def test_records_of_other_times_are_rejects(
    task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str
) -> None:
    """They replace nothing; and what may be theirs is not emptied, unless that is wanted."""
    topic = write(late=-1, a=0, b=179, early=180)
    with fails(r"column ds: within: 2026-11-22T09:59:00Z is not from 2026-11-22T10:00:00Z until before"):
        task_run.attempt(topic=topic, table=table, **OVER)
    assert rows(odps, table) == OLD
    receipt = task_run.attempt(topic=topic, table=table, max_rejects=2, **OVER)
    assert (receipt["rows"], receipt["rejects"]) == (2, 2)
    assert rows(odps, table) == [OLD[0], ("20261122", "10", "a"), ("20261122", "12", "b")]


def test_what_would_only_be_emptied_stays(
    task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str
) -> None:
    """Where a reject may be what belongs there."""
    topic = write(late=-1, a=0)
    with fails(r"The rows that are in \S+ \(ds=20261122,hh=12\) stay; nothing was committed"):
        task_run.attempt(topic=topic, table=table, max_rejects=1, **OVER)
    assert rows(odps, table) == OLD
    task_run.attempt(topic=topic, table=table, max_rejects=1, on_fewer_rows="replace", **OVER)
    assert rows(odps, table) == [OLD[0], ("20261122", "10", "a")]


def test_an_interval_without_records(task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str) -> None:
    """Its partitions are empty."""
    receipt = task_run.attempt(topic=write(), table=table, **OVER)
    assert (receipt["rows"], receipt["emptied"]) == (0, ["ds=20261122,hh=10", "ds=20261122,hh=12"])
    assert rows(odps, table) == OLD[:1]


def test_a_statement_that_fails_changes_nothing(
    task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str, endpoint: RunningEndpoint
) -> None:
    """All partitions are as they were; the next attempt starts it again."""
    topic = write(a=0)
    endpoint.control.fail_insert("ODPS-0010000:System internal error - a worker was lost")
    with fails("none of them is visible"):
        task_run.attempt(topic=topic, table=table, **OVER)
    assert rows(odps, table) == OLD
    task_run.attempt(topic=topic, table=table, **OVER)
    assert rows(odps, table) == [OLD[0], ("20261122", "10", "a")]


def test_a_corrected_zone_leaves_no_second_row(
    task_run: TaskRun, odps: OdpsHook, write: Callable[..., str], table: str
) -> None:
    """What the load before has put into partitions that are of another interval now is named; nothing is loaded."""
    topic = write(a=0)
    there = {level: text.replace("'UTC'", "'Asia/Shanghai'") for level, text in BY.items()}
    task_run.attempt(topic=topic, table=table, **OVER | {"partition_by": there})
    task_run.clear_number = 1
    with fails(r"1 rows are in \S+ \(ds=20261122,hh=18\), where upload \S+ of this window has put rows"):
        task_run.attempt(topic=topic, table=table, **OVER)
    assert rows(odps, table) == [*OLD, ("20261122", "18", "a")]
    odps.run_sql(f"ALTER TABLE {table} DROP PARTITION (ds='20261122', hh='18')")
    task_run.attempt(topic=topic, table=table, **OVER)
    assert rows(odps, table) == [OLD[0], ("20261122", "10", "a")]


def test_times_that_were_edited_since(odps: OdpsHook, write: Callable[..., str], table: str) -> None:
    """The recorded window has nothing of the hours that were added, which others may have loaded."""
    task_run, topic = TaskRun(), write(a=0)
    hours = {"start": TEN.isoformat(), "end": (TEN + timedelta(hours=2)).isoformat()}
    with fails("has no row of the window.s 1 offsets .1 records left out by where"):
        task_run.attempt(topic=topic, table=table, where="v = 'b'", **OVER, **hours)
    wider = hours | {"end": (TEN + timedelta(hours=3)).isoformat()}
    with fails(
        r"recorded window is from \S+T10:00:00Z to \S+T12:00:00Z, .* ask for \S+T10:00:00Z to \S+T13:00:00Z now"
    ):
        task_run.attempt(topic=topic, table=table, **OVER, **wider)
    assert rows(odps, table) == OLD
    task_run.attempt(topic=topic, table=table, **OVER, **hours)
    assert rows(odps, table) == [OLD[0], ("20261122", "10", "a"), OLD[2]]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"partitions_within_interval": False}, r"three late records .*, add partitions_within_interval=True"),
        ({"mode": "append"}, r"partitions_within_interval=True is for mode='overwrite' and partition_by"),
        ({"partition_by": None, "partition": "ds=1,hh=2"}, r"partitions_within_interval=True is for"),
        ({"start": "earliest", "end": "latest"}, r"the window is from earliest to latest"),
        ({"partition_by": {**BY, "hh": "v"}}, r"level hh is 'v', and only what ends with"),
        ({"max_partitions": 2}, r"there are 3 partitions, and max_partitions=2 allows 2"),
        ({"start": "2026-11-22T10:30:00Z"}, r"begins at 2026-11-22T10:30:00Z, inside of partition ds=20261122,hh=10"),
    ],
)
def test_what_cannot_be_proved_is_refused(
    odps: OdpsHook, write: Callable[..., str], table: str, more: dict[str, Any], says: str
) -> None:
    """Before anything is read or written."""
    ends = {"start": TEN.isoformat(), "end": (TEN + timedelta(hours=3)).isoformat()}
    with fails(says):
        TaskRun().attempt(topic=write(a=0), table=table, **{**OVER, **ends, **more})
    assert rows(odps, table) == OLD
    assert odps.run_sql(f"SHOW TABLES LIKE '{table}__kafka_staging'").num_rows == 0
