"""Records go into the partitions of their own time, all of them with one statement."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from kit.task_run import Send, TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, Refuse, RunningEndpoint

# 2025-11-22T16:00Z, when a day begins in Shanghai.
DAY = 1_763_827_200_000
HOUR = 3_600_000
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "v"}
BY = {
    "ds": "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')",
    "hh": "t | epoch_ms | format('HH', 'Asia/Shanghai')",
}
ALL = {"start": "earliest", "end": "latest", "columns": COLUMNS, "value_type": "json", "partition_by": BY}


@pytest.fixture
def table(odps: OdpsHook) -> str:
    """Return a table that is partitioned by day and hour, with a row of somebody else in one partition."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    odps.run_sql(f"CREATE TABLE {name} (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (ds STRING, hh STRING)")
    odps.run_sql(f"INSERT INTO TABLE {name} PARTITION (ds='20251123', hh='00') VALUES (-1, -1, 'old')")
    return name


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic with records of three days in two partitions, neither in their order."""
    name = make_topic(partitions=2)
    for at, (partition, time) in enumerate(
        [(0, DAY), (1, DAY - 1), (0, DAY + 25 * HOUR), (1, DAY + HOUR), (0, DAY - 1), (1, DAY)]
    ):
        send(name, json.dumps({"t": time, "v": f"r{at}"}).encode(), partition)
    return name


def rows(odps: OdpsHook, table: str) -> list[tuple[str, str, str]]:
    """Return level, level and value of all rows, in order."""
    found = odps.run_sql(f"SELECT ds, hh, v FROM {table} ORDER BY ds, hh, v").to_pylist()
    return [(row["ds"], row["hh"], row["v"]) for row in found]


LOADED = [
    ("20251122", "23", "r1"),
    ("20251122", "23", "r4"),
    ("20251123", "00", "old"),
    ("20251123", "00", "r0"),
    ("20251123", "00", "r5"),
    ("20251123", "01", "r3"),
    ("20251124", "01", "r2"),
]
PER_PARTITION = {"ds=20251122,hh=23": 2, "ds=20251123,hh=00": 2, "ds=20251123,hh=01": 1, "ds=20251124,hh=01": 1}


def test_every_record_goes_into_the_partition_of_its_time(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str
) -> None:
    """The receipt has the rows per partition, and how much its statement read; nothing stays behind."""
    receipt = task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == LOADED
    assert (receipt["rows"], receipt["partition"], receipt["reconciled"]) == (6, "ds=*,hh=*", "offsets")
    assert receipt["per_partition"] == PER_PARTITION
    assert receipt["staged_bytes"] > 0
    left = odps.run_sql(f"SELECT COUNT(*) AS n FROM {table}__kafka_staging").to_pylist()
    assert left == [{"n": 0}]
    # A retry finds it done.
    again = task_run.attempt(topic=topic, table=table, **ALL)
    assert again["per_partition"] == PER_PARTITION
    assert rows(odps, table) == LOADED


def test_a_given_level_in_front(task_run: TaskRun, odps: OdpsHook, topic: str) -> None:
    """The table is created with all levels; a list of columns goes by position as ever."""
    table = f"t_{uuid.uuid4().hex[:12]}"
    receipt = task_run.attempt(
        topic=topic, table=table, create_table=True, partition="region=cn", **{**ALL, "partition_by": json.dumps(BY)}
    )
    assert [*receipt["per_partition"]] == [f"region=cn,{each}" for each in PER_PARTITION]
    found = odps.run_sql(f"SELECT DISTINCT region FROM {table}").to_pylist()
    assert found == [{"region": "cn"}]


def test_records_without_a_time_are_rejects(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, send: Send
) -> None:
    """NULL, text and no JSON; they are counted, and the others are rows."""
    for value in (b'{"v": "none"}', b'{"t": "soon"}', b"no JSON"):
        send(topic, value)
    with fails(r"column ds: NULL names no partition"):
        task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == [("20251123", "00", "old")]
    receipt = task_run.attempt(topic=topic, table=table, max_rejects=3, **ALL)
    assert (receipt["rows"], receipt["rejects"]) == (6, 3)
    assert rows(odps, table) == LOADED


def test_too_many_partitions(task_run: TaskRun, odps: OdpsHook, topic: str, table: str, send: Send) -> None:
    """One wrong unit makes 1970 appear: nothing is visible, and the message has the partition and its rows."""
    send(topic, json.dumps({"t": DAY // 1000, "v": "seconds"}).encode())
    with fails(r"belong to 5 partitions or more, and max_partitions=4 allows 4\."):
        task_run.attempt(topic=topic, table=table, max_partitions=4, **ALL)
    assert rows(odps, table) == [("20251123", "00", "old")]


def test_several_processes(task_run: TaskRun, odps: OdpsHook, topic: str, table: str, mocker: Any) -> None:
    """Each counts the rows of its share; all stage them together."""
    mocker.patch("airflow_provider_kafka_odps.core.load.shares.LEAST_SPAN", 1)
    receipt = task_run.attempt(topic=topic, table=table, workers=2, **ALL)
    assert (receipt["workers"], receipt["per_partition"]) == (2, PER_PARTITION)
    assert rows(odps, table) == LOADED


def test_the_staging_table_follows_its_target(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, send: Send
) -> None:
    """A column that the target got since is in the next load."""
    task_run.attempt(topic=topic, table=table, **ALL)
    odps.run_sql(f"ALTER TABLE {table} ADD COLUMNS (more STRING)")
    send(topic, json.dumps({"t": DAY, "v": "r6", "more": "news"}).encode())
    TaskRun().attempt(
        topic=topic, table=table, **{**ALL, "start": {"0": 3, "1": 3}, "columns": {**COLUMNS, "more": "more"}}
    )
    found = odps.run_sql(f"SELECT v, more FROM {table} WHERE more IS NOT NULL").to_pylist()
    assert found == [{"v": "r6", "more": "news"}]


def test_a_column_that_is_not_null(task_run: TaskRun, odps: OdpsHook, topic: str, send: Send) -> None:
    """The staging table takes NULL, and the load does not: the statement would fail for all rows."""
    table = f"t_{uuid.uuid4().hex[:12]}"
    odps.run_sql(f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING NOT NULL) PARTITIONED BY (ds STRING, hh STRING)")
    send(topic, json.dumps({"t": DAY}).encode())
    receipt = task_run.attempt(topic=topic, table=table, max_rejects=1, **ALL)
    assert (receipt["rows"], receipt["rejects"]) == (6, 1)


def test_the_answer_of_the_statement_is_lost(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, endpoint: RunningEndpoint
) -> None:
    """The next attempt starts it again under its name: it has run once."""
    TaskRun().attempt(topic=topic, table=table, **{**ALL, "end": {"0": 0, "1": 0}})
    # Table and staging table are there: the first statement makes the load's partition, the second one moves the rows.
    endpoint.control.inject(Operation.CREATE_INSTANCE, Drop(Moment.AFTER), nth=2)
    with fails("did not answer: tried once"):
        task_run.attempt(topic=topic, table=table, **ALL)
    receipt = task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == LOADED
    assert (receipt["commit"], receipt["per_partition"]) == ("answered", PER_PARTITION)


def test_a_statement_that_fails_once(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, endpoint: RunningEndpoint
) -> None:
    """Nothing is visible, not even a partition; the next attempt reads nothing, and starts it under another name."""
    later = PartitionSpec.parse("ds=20251124,hh=01")
    endpoint.control.fail_insert("ODPS-0010000:System internal error - a worker was lost")
    with fails("none of them is visible: the statement that moves them failed 1 times, the last by: .*worker was lost"):
        task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == [("20251123", "00", "old")]
    assert not odps.partition_exists(TableName(table), later)
    task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == LOADED
    # Whoever waits for the partition to exist sees it with its rows.
    assert odps.partition_exists(TableName(table), later)


def test_another_writer_was_first(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, endpoint: RunningEndpoint
) -> None:
    """A conflict of transactions is tried again within the attempt."""
    words = "ODPS-0110999:MetaTransactionAborted: cannot satisfy ODPS ACID constraints, concurrent operations"
    endpoint.control.fail_insert(words)
    task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == LOADED


def test_a_statement_that_leaves_a_part(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, endpoint: RunningEndpoint
) -> None:
    """A person is asked, with the numbers; nothing is tried on top of what is there."""
    endpoint.control.fail_insert("ODPS-0010000:System internal error - rollback failed", part=True)
    with fails("neither none nor all of it, once.*remove them"):
        task_run.attempt(topic=topic, table=table, **ALL)
    left = rows(odps, table)
    with fails("neither none nor all of it, once"):
        task_run.attempt(topic=topic, table=table, **ALL)
    assert rows(odps, table) == left


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"mode": "overwrite"}, "three late records would replace a whole day"),
        ({"max_partitions": 0}, "max_partitions=0: a number from 1 to 2000"),
        ({"partition_by": {"ds": "t", "dd": "t"}}, "dd is no level of it"),
        ({"partition_by": {"ds": "t"}}, "nothing says hh"),
        ({"partition": "hh=1", "partition_by": {"ds": "t"}}, "hh is given by partition, and stands"),
        (
            {"partition_by": {**BY, "hh": "t | epoch_ms"}},
            "partition_by: hh: a time is in a partition",
        ),
        ({"partition_by": {**BY, "hh": "t |"}}, "hh: column expression"),
        (
            {"partition_by": {**BY, "hh": "t | epoch_ms | format('HH', 'Nowhere')"}},
            "Nowhere",
        ),
        ({"columns": {**COLUMNS, "ds": "t"}}, "ds is in columns and in partition_by"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, more: dict[str, Any], says: str
) -> None:
    """With what was seen and what to do."""
    with fails(says):
        task_run.attempt(topic=topic, table=table, **{**ALL, **more})
    assert rows(odps, table) == [("20251123", "00", "old")]
    assert odps.run_sql(f"SHOW TABLES LIKE '{table}__kafka_staging'").num_rows == 0


def test_a_clear_replaces_the_rows_of_all_partitions(task_run: TaskRun, odps: OdpsHook, topic: str, table: str) -> None:
    """Also where the levels are others by then: what was loaded by the wrong clock is not there any more."""
    task_run.attempt(topic=topic, table=table, on_rerun="replace", **ALL)
    task_run.clear_number = 1
    by = {level: source.replace("Asia/Shanghai", "UTC") for level, source in BY.items()}
    receipt = task_run.attempt(topic=topic, table=table, on_rerun="replace", **{**ALL, "partition_by": by})
    assert (receipt["rows"], receipt["reconciled"]) == (6, "offsets")
    assert rows(odps, table) == [
        ("20251122", "15", "r1"),
        ("20251122", "15", "r4"),
        ("20251122", "16", "r0"),
        ("20251122", "16", "r5"),
        ("20251122", "17", "r3"),
        ("20251123", "00", "old"),
        ("20251123", "17", "r2"),
    ]


def test_a_clustered_table_is_refused(task_run: TaskRun, odps: OdpsHook, topic: str) -> None:
    """MaxCompute takes no dynamic partitions there; that is said before anything is read."""
    table = f"t_{uuid.uuid4().hex[:12]}"
    odps.run_sql(
        f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (ds STRING, hh STRING) "
        "CLUSTERED BY (p) SORTED BY (p) INTO 4 BUCKETS"
    )
    with fails("is clustered, and MaxCompute takes no dynamic partitions there"):
        task_run.attempt(topic=topic, table=table, **ALL)


def test_who_may_not_create_the_staging_table_is_told_what_to_do(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, endpoint: RunningEndpoint
) -> None:
    """Which table it is, how to be given one, and how to name another; nothing was read."""
    endpoint.control.inject(Operation.CREATE_INSTANCE, Refuse(403, "NoPermission"), times=9)
    try:
        with fails(
            rf"wait in \S+{table}__kafka_staging, which cannot be made: .*NoPermission.*staging_table= names another"
        ):
            task_run.attempt(topic=topic, table=table, **ALL)
    finally:
        endpoint.control.clear()
    assert rows(odps, table) == [("20251123", "00", "old")]


def test_a_table_that_is_no_staging_table(task_run: TaskRun, odps: OdpsHook, topic: str, table: str) -> None:
    """Nobody's rows are overwritten: another one is wanted."""
    odps.run_sql(f"CREATE TABLE {table}_mine (p BIGINT) PARTITIONED BY (ds STRING)")
    with fails(r"_mine is no staging table: it is partitioned by ds, and load_id is wanted"):
        task_run.attempt(topic=topic, table=table, staging_table=f"{table}_mine", **ALL)
    receipt = task_run.attempt(topic=topic, table=table, staging_table=f"{table}_ours", **ALL)
    assert receipt["rows"] == 6


@pytest.mark.parametrize(
    ("staging", "why"),
    [
        ("", r"staging_table='': "),
        ("a b", r"staging_table='a b': "),
        ("{}", r"staging_table='\S+' is table, too: staged rows need a table of their own"),
        ("{}_rejects", r"staging_table='\S+_rejects' is rejects_table, too: .* Nothing was written"),
    ],
)
def test_a_staging_table_that_cannot_be(
    task_run: TaskRun, odps: OdpsHook, topic: str, table: str, staging: str, why: str
) -> None:
    """It is said by the parameter's name, before anything is made: also of a template that gives nothing."""
    with fails(why):
        task_run.attempt(
            topic=topic, table=table, staging_table=staging.format(table), rejects_table=f"{table}_rejects", **ALL
        )
    assert odps.describe(odps.resolve(TableName(f"{table}_rejects"))) is None


def test_a_staging_table_that_does_not_fit_any_more(task_run: TaskRun, odps: OdpsHook, topic: str, table: str) -> None:
    """A target that was made anew with another type."""
    odps.run_sql(f"CREATE TABLE {table}_old (p STRING) PARTITIONED BY (load_id STRING)")
    with fails(r"does not fit its target any more: p is string, and bigint in the target\. Drop it"):
        task_run.attempt(topic=topic, table=table, staging_table=f"{table}_old", **ALL)
