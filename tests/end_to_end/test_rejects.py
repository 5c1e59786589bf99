"""Records that do not fit: counted, limited, and put where a person finds them, with the rows or not at all."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.kafka_topics import producer
from kit.task_run import Send, TaskRun
from kit.unbroken import fails
from pyarrow import parquet

from airflow_provider_kafka_odps.core.load import rejecting
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, RunningEndpoint

COLUMNS = {"amount": "amount", "kafka_partition": "__partition__", "kafka_offset": "__offset__"}
GOOD, BAD = b'{"amount": 1}', b'{"amount": "one"}'


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send, odps: OdpsHook) -> str:
    """Return a topic of two partitions with four records, two of which do not fit its table."""
    name = make_topic(partitions=2)
    for partition, value in ((0, GOOD), (0, BAD), (1, BAD), (1, GOOD)):
        send(name, value, partition, key=b"k\xff")
    odps.run_sql(f"CREATE TABLE {table_of(name)} (amount BIGINT, kafka_partition BIGINT, kafka_offset BIGINT)")
    return name


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def parameters(topic: str, **more: Any) -> dict[str, Any]:
    """Return the operator's parameters for loading all of a topic."""
    whole = {"start": "earliest", "end": "latest", "columns": COLUMNS}
    return {"topic": topic, "table": table_of(topic), **whole, **more}


def rows(odps: OdpsHook, topic: str) -> int:
    """Return how many rows the topic's table has."""
    (count,) = odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist()
    return int(count)


def rejects(odps: OdpsHook, topic: str) -> list[tuple[Any, ...]]:
    """Return partition, offset and load of the rejects that are visible."""
    found = odps.run_sql(
        f"SELECT kafka_partition, kafka_offset, load_id FROM {table_of(topic)}_rejects ORDER BY kafka_partition"
    )
    return [tuple(row.values()) for row in found.to_pylist()]


def test_rejects_are_in_their_table_with_the_rows(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Coordinates, key, value, column and reason of each; a receipt that says where; and no more of them by a retry."""
    wanted = parameters(topic, max_rejects=2, rejects_table=f"{table_of(topic)}_rejects")
    receipt = task_run.attempt(**wanted)

    assert (receipt["rows"], receipt["rejects"]) == (2, 2)
    assert receipt["rejected_to"]["place"].endswith(f"{table_of(topic)}_rejects (load_id=stand_in.load.manual)")
    assert receipt["rejected_to"]["rows"] == 2
    (first, _) = odps.run_sql(f"SELECT * FROM {table_of(topic)}_rejects ORDER BY kafka_partition").to_pylist()
    assert (first["topic"], first["kafka_partition"], first["kafka_offset"]) == (topic, 0, 1)
    assert (b64decode(first["record_key"]), b64decode(first["record_value"])) == (b"k\xff", BAD)
    assert (first["column_name"], "one" in first["reason"], first["kafka_timestamp"] > 0) == ("amount", True, True)

    assert task_run.attempt(**wanted)["rejected_to"] == receipt["rejected_to"]
    assert (rows(odps, topic), len(rejects(odps, topic))) == (2, 2)


def test_beyond_the_limit_nothing_is_visible(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Neither rows nor rejects, and a message with the first of them."""
    with fails(
        r"2 of the first 4 records .*more than max_rejects=1 allows.*offset 1, column.*set max_rejects=",
        AirflowFailException,
    ):
        task_run.attempt(**parameters(topic, max_rejects=1, rejects_table=f"{table_of(topic)}_rejects"))
    with fails(r"2 of all 4 records \(50.00%\) .*, more than max_rejects=49%", AirflowFailException):
        TaskRun().attempt(**parameters(topic, max_rejects="49%", rejects_table=f"{table_of(topic)}_rejects"))

    assert rows(odps, topic) == 0
    assert odps.describe(TableName(f"{table_of(topic)}_rejects")) is None


def test_a_fix_and_a_clear_replay_the_rejects(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """With `on_rerun="replace"` the same window is loaded again by the new mapping, and no reject is left."""
    wanted = parameters(topic, max_rejects="unlimited", rejects_table=f"{table_of(topic)}_rejects", on_rerun="replace")
    task_run.attempt(**wanted)
    assert len(rejects(odps, topic)) == 2

    task_run.clear_number += 1
    fixed = {**COLUMNS, "amount": "'1'"}
    receipt = task_run.attempt(**{**wanted, "columns": fixed})

    assert (receipt["rows"], receipt["rejects"]) == (4, 0)
    assert (rows(odps, topic), rejects(odps, topic)) == (4, [])


def test_only_rejects_are_a_load_too(
    make_topic: Callable[..., str], send: Send, odps: OdpsHook, task_run: TaskRun
) -> None:
    """A window without one good record makes its rejects visible all the same."""
    topic = make_topic()
    send(topic, BAD)
    odps.run_sql(f"CREATE TABLE {table_of(topic)} (amount BIGINT, kafka_partition BIGINT, kafka_offset BIGINT)")
    task_run.attempt(**parameters(topic, max_rejects="100%", rejects_table=f"{table_of(topic)}_rejects"))
    assert (rows(odps, topic), len(rejects(odps, topic))) == (0, 1)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("moment", list(Moment))
def test_a_lost_answer_doubles_no_reject(
    topic: str, task_run: TaskRun, odps: OdpsHook, endpoint: RunningEndpoint, nth: int, moment: Moment
) -> None:
    """Whichever commit's answer is lost, that of the rejects or that of the rows, both are there once in the end."""
    wanted = parameters(topic, max_rejects=2, rejects_table=f"{table_of(topic)}_rejects")
    endpoint.control.inject(Operation.COMMIT_UPLOAD, Drop(moment), nth=nth)
    try:
        task_run.attempt(**wanted)
    finally:
        endpoint.control.clear()
    assert (rows(odps, topic), len(rejects(odps, topic))) == (2, 2)


def test_rejects_that_go_elsewhere_by_now_are_not_committed_blindly(
    topic: str, task_run: TaskRun, odps: OdpsHook, endpoint: RunningEndpoint
) -> None:
    """A retry whose parameters name another place says so; nothing becomes visible."""
    wanted = parameters(topic, max_rejects=2, rejects_table=f"{table_of(topic)}_rejects", commit_timeout=1.0)
    endpoint.control.inject(Operation.COMMIT_UPLOAD, Drop(Moment.BEFORE), times=50)
    try:
        with fails("upload"):
            task_run.attempt(**wanted)
    finally:
        endpoint.control.clear()
    with fails(r"2 rejects of this window were written to .*now say nowhere", AirflowFailException):
        task_run.attempt(**{**wanted, "rejects_table": None})
    assert rows(odps, topic) == 0
    task_run.attempt(**wanted)
    assert (rows(odps, topic), len(rejects(odps, topic))) == (2, 2)


@pytest.mark.parametrize("layout", ["parquet", "jsonl"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_rejects_are_in_a_file(topic: str, task_run: TaskRun, tmp_path: Path, layout: str, scheme: str) -> None:
    """One file, whole, in a folder that need not be there, and nothing beside it."""
    path = tmp_path / "rejects" / f"{topic}.{layout}"
    task_run.attempt(**parameters(topic, max_rejects=2, rejects_path=f"{scheme}{path}"))

    found = (
        parquet.read_table(path).to_pylist()
        if layout == "parquet"
        else [json.loads(line) for line in path.read_text().splitlines()]
    )
    assert sorted((row["kafka_partition"], row["kafka_offset"], row["column_name"]) for row in found) == [
        (0, 1, "amount"),
        (1, 0, "amount"),
    ]
    assert list(path.parent.iterdir()) == [path]


def test_several_lanes_keep_rejects_in_their_order(
    make_topic: Callable[..., str],
    broker: Any,
    task_run: TaskRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    odps: OdpsHook,
) -> None:
    """Whichever lane finds them when, and also where most of them wait in a file: by partition and offset."""
    monkeypatch.setattr(Resources, "blocks", lambda *_: 8)
    monkeypatch.setattr(rejecting, "BLOCK_BYTES", 2_000)
    topic, to = make_topic(partitions=2), producer(broker.bootstrap_servers)
    for number in range(1_200):
        to.produce(topic, GOOD if number % 3 else BAD, partition=number % 2)
    assert to.flush(60) == 0
    path = tmp_path / "rejects.jsonl"
    wanted = {"max_rejects": "unlimited", "create_table": True, "column_types": {"amount": "bigint"}}
    receipt = task_run.attempt(**parameters(topic, concurrency=4, rejects_path=str(path), **wanted))
    assert (receipt["blocks"], receipt["rejects"], receipt["rows"]) == (8, 400, 800)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    offsets = [(row["kafka_partition"], row["kafka_offset"]) for row in found]
    assert offsets == sorted(offsets)
    assert len(set(offsets)) == 400
    assert rows(odps, topic) == 800


def test_a_file_system_of_fsspec_will_do(topic: str, task_run: TaskRun) -> None:
    """A scheme that Airflow does not know is asked of fsspec."""
    import fsspec

    task_run.attempt(**parameters(topic, max_rejects=2, rejects_path=f"memory://rejects/{topic}.jsonl"))
    with fsspec.open(f"memory://rejects/{topic}.jsonl") as file:
        assert len(file.readlines()) == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"rejects_path": "/tmp/rejects.csv"}, "the file's name has to end in .parquet or .jsonl"),
        ({"rejects_path": "r.jsonl", "rejects_table": "r"}, "rejects go to one place"),
        ({"rejects_table": "a.b.c.d"}, "is no table name"),
        ({"max_rejects": "some"}, "max_rejects='some' is no limit"),
    ],
)
def test_a_place_that_is_none_is_refused(topic: str, task_run: TaskRun, more: dict[str, Any], message: str) -> None:
    """What cannot be written to is said before a record is read."""
    with fails(message, AirflowFailException):
        task_run.attempt(**parameters(topic, **more))
