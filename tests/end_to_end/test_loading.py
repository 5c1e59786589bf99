"""The operator between a real broker and the tunnel: every record of the window once, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from demo.broker import Broker
from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kit.task_run import Send, TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

MakeTopic = Callable[..., str]
ALL = {"start": "earliest", "end": "latest", "create_table": True}


def rows(odps: OdpsHook, table: str, columns: str = "*", order: str = "`partition`, `offset`") -> list[dict[str, Any]]:
    """Return a table's rows in order."""
    found: list[dict[str, Any]] = odps.run_sql(f"SELECT {columns} FROM {table} ORDER BY {order}").to_pylist()
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition, and fail the test where it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.05)


@pytest.fixture
def topic(make_topic: MakeTopic, send: Send) -> str:
    """Return a topic of two partitions with keys, nulls, headers, JSON and text."""
    # The records' timestamps are long past: kept for ever, or the broker deletes them at once.
    name = make_topic(partitions=2, configs={"retention.ms": "-1"})
    send(name, b'{"id": 1.10, "tag": {"desc": "caf\xc3\xa9"}}', 0, key=b"k1", timestamp_ms=1_700_000_000_000)
    send(name, None, 0, key=b"k2", timestamp_ms=1_700_000_001_000)
    send(name, b"abc", 1, headers=[("h", b"x"), ("h", b"")], timestamp_ms=1_700_000_002_000)
    return name


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def test_default_columns(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Without a mapping, the six parts of each record become a row, in a table that is created for them."""
    receipt = task_run.attempt(topic=topic, table=table_of(topic), **ALL)

    assert rows(odps, table_of(topic)) == [
        {
            "key": "k1",
            "value": '{"id": 1.10, "tag": {"desc": "café"}}',
            "partition": 0,
            "offset": 0,
            "timestamp": 1_700_000_000_000,
            "headers": "[]",
        },
        {"key": "k2", "value": None, "partition": 0, "offset": 1, "timestamp": 1_700_000_001_000, "headers": "[]"},
        {
            "key": None,
            "value": "abc",
            "partition": 1,
            "offset": 0,
            "timestamp": 1_700_000_002_000,
            "headers": '[{"key":"h","value":"x"},{"key":"h","value":""}]',
        },
    ]
    assert (receipt["rows"], receipt["gaps"], receipt["blocks"]) == (3, 0, 1)
    assert task_run.xcoms["window"] == receipt["window"]
    assert receipt["window"]["partitions"] == {"0": [0, 2], "1": [0, 1]}


def test_json_paths_and_constants(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Paths give what was written, NULL where there is nothing; a value that is no JSON object is counted."""
    columns = {"offset": "__offset__", "partition": "__partition__", "id": "id", "d": "tag.desc", "c": "'it\\'s'"}
    receipt = task_run.attempt(topic=topic, table=table_of(topic), columns=columns, **ALL)

    assert rows(odps, table_of(topic), "id, d, c") == [
        {"id": "1.10", "d": "café", "c": "it's"},
        {"id": None, "d": None, "c": "it's"},
        {"id": None, "d": None, "c": "it's"},
    ]
    assert receipt["not_json"] == 1


def test_append_loads_once_however_often_the_task_is_cleared(
    topic: str, task_run: TaskRun, odps: OdpsHook, send: Send
) -> None:
    """A retry and a cleared task find the rows there; records sent since are not in the window."""
    first = task_run.attempt(topic=topic, table=table_of(topic), **ALL)
    send(topic, b"later", 1)
    retried = task_run.attempt(topic=topic, table=table_of(topic), **ALL)
    task_run.clear_number += 1
    cleared = task_run.attempt(topic=topic, table=table_of(topic), **ALL)

    assert first == retried == cleared
    assert len(rows(odps, table_of(topic))) == 3


def test_overwrite_replaces_the_same_rows(topic: str, task_run: TaskRun, odps: OdpsHook, send: Send) -> None:
    """A cleared overwrite loads its window again, in place of what the table had."""
    parameters = {"topic": topic, "table": table_of(topic), "mode": "overwrite", **ALL}
    task_run.attempt(**parameters)
    before = rows(odps, table_of(topic))
    TaskRun().attempt(topic=topic, table=table_of(topic), **ALL, reconcile=False)
    send(topic, b"later", 1)
    task_run.clear_number += 1
    task_run.attempt(**parameters)

    assert rows(odps, table_of(topic)) == before


def test_an_empty_window_empties_what_it_overwrites(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Overwriting with no records leaves no rows; appending none leaves those that are there."""
    TaskRun().attempt(topic=topic, table=table_of(topic), **ALL)
    nothing = {"topic": topic, "table": table_of(topic), "start": 0, "end": 0}
    assert task_run.attempt(**nothing)["rows"] == 0
    assert len(rows(odps, table_of(topic))) == 3
    TaskRun().attempt(mode="overwrite", **nothing)
    assert rows(odps, table_of(topic)) == []


def test_partitioned_table_and_templates(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """Templates are rendered inside dicts; the partition is created, and only its rows are replaced."""
    task_run.params = {"offsets": {"0": 1, "1": 1}, "day": "20261122", "column": "'x'"}
    parameters = {
        "topic": topic,
        "table": table_of(topic),
        "partition": {"ds": "{{ params.day }}", "hh": 10},
        "columns": {"key": "__key__", "c": "{{ params.column }}"},
        "start": 0,
        "end": "{{ params.offsets | tojson }}",
        "mode": "overwrite",
        "create_table": True,
    }
    task_run.attempt(**parameters)
    TaskRun(params=task_run.params).attempt(**{**parameters, "partition": "ds=20261122,hh=11"})
    TaskRun(params=task_run.params).attempt(**parameters)

    assert rows(odps, table_of(topic), order="hh, key") == [
        {"key": None, "c": "x", "ds": "20261122", "hh": "10"},
        {"key": "k1", "c": "x", "ds": "20261122", "hh": "10"},
        {"key": None, "c": "x", "ds": "20261122", "hh": "11"},
        {"key": "k1", "c": "x", "ds": "20261122", "hh": "11"},
    ]


def test_neighbouring_intervals_tile(topic: str, odps: OdpsHook) -> None:
    """Every record is in the window of exactly one interval."""
    instants = [datetime.fromtimestamp(1_700_000_000 + second, UTC) for second in (-1, 1, 2, 5)]
    windows = [
        TaskRun(interval=interval).attempt(topic=topic, table=table_of(topic), create_table=True)["window"]
        for interval in pairwise(instants)
    ]

    assert [window["partitions"] for window in windows] == [
        {"0": [0, 1], "1": [0, 0]},
        {"0": [1, 2], "1": [0, 0]},
        {"0": [2, 2], "1": [0, 1]},
    ]
    assert len(rows(odps, table_of(topic))) == 3


def test_a_window_of_some_partitions(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """A subset of the partitions loads just that."""
    receipt = task_run.attempt(topic=topic, table=table_of(topic), partitions="1", **ALL)

    assert receipt["window"]["partitions"] == {"1": [0, 1]}
    assert [row["value"] for row in rows(odps, table_of(topic))] == ["abc"]


def test_a_record_that_does_not_fit_fails_the_load(topic: str, task_run: TaskRun, odps: OdpsHook, send: Send) -> None:
    """Bytes that are no UTF-8 are named with their coordinates, and no row is visible."""
    send(topic, b"\xff\xfe", 1)
    with fails(rf"{topic}\[1\] offset 1, column value: .*UTF-8"):
        task_run.attempt(topic=topic, table=table_of(topic), **ALL)

    assert rows(odps, table_of(topic)) == []
    assert json.loads(next(iter(task_run.store.entries.values())))["phase"] == "uploading"


def test_from_what_a_group_has_committed(
    topic: str, task_run: TaskRun, odps: OdpsHook, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window starts at the group's offsets, and at `first_start` where it has none; the group is left as it was."""
    group = f"group-{topic}"
    extra = {"bootstrap.servers": broker.bootstrap_servers, "group.id": group}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    place = TopicPartition(topic, 0)
    with closing(KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=group)) as consumer:
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(1, "", -1)})
    parameters = {**ALL, "topic": topic, "table": table_of(topic), "start": "committed"}

    with fails(rf"{topic}\[1\]: the consumer group '{group}' has committed no offset"):
        task_run.attempt(**parameters)
    window = task_run.attempt(first_start="earliest", **parameters)["window"]

    assert window["partitions"] == {"0": [1, 2], "1": [0, 1]}
    assert window["start"] == {"asked": "committed", "source": f"group {group}"}
    assert len(rows(odps, table_of(topic))) == 2


def test_offsets_that_have_expired(topic: str, task_run: TaskRun, admin: KafkaAdminClient) -> None:
    """A start below the log start is refused with the number of offsets that are lost."""
    admin.delete_records({TopicPartition(topic, 0): 1})
    with fails(rf"{topic}\[0\]: the window starts at 0 but the log starts at 1; 1 offset"):
        task_run.attempt(topic=topic, table=table_of(topic), **{**ALL, "start": 0})


def test_a_topic_that_was_created_again(
    topic: str, task_run: TaskRun, odps: OdpsHook, admin: KafkaAdminClient, send: Send
) -> None:
    """A recorded window is not loaded from another topic of the same name, however well its offsets fit."""
    with fails("no_such_project"):
        task_run.attempt(topic=topic, table=table_of(topic), **ALL, project="no_such_project")
    send(topic, b"\xff", 1)
    with fails("do not fit"):
        task_run.attempt(topic=topic, table=table_of(topic), **ALL)
    admin.delete_topics([topic])
    wait_until(lambda: topic not in admin.list_topics())
    admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
    for partition in (0, 0, 1, 1):
        send(topic, b"other", partition)

    with fails(f"topic {topic} was deleted and created again.*Storage"):
        task_run.attempt(topic=topic, table=table_of(topic), **ALL)
    assert rows(odps, table_of(topic)) == []
