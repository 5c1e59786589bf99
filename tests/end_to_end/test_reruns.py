"""What a user's rerun finds, and what it does to the rows that are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.task_run import Send, TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

ALL = {"start": "earliest", "end": "latest", "create_table": True}


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic of two partitions with three records."""
    name = make_topic(partitions=2)
    for partition, value in ((0, b"a"), (0, b"b"), (1, b"c")):
        send(name, value, partition)
    return name


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def parameters(topic: str, **more: Any) -> dict[str, Any]:
    """Return the operator's parameters for loading all of a topic into a table of its own."""
    return {"topic": topic, "table": table_of(topic), **ALL, **more}


@pytest.mark.parametrize("forgetful", [True, False])
def test_a_forgetful_state_store_is_warned_about_once(
    topic: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], forgetful: bool
) -> None:
    """Where Airflow deletes the journal on success, the first attempt says what a rerun will cost; a retry does not."""
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", str(forgetful))
    capfd.readouterr()
    task_run.attempt(**parameters(topic))
    task_run.attempt(**parameters(topic))

    said = "".join(capfd.readouterr())
    assert said.count("clear_on_success = True") == forgetful
    assert said.count("appended rows may be there twice") == forgetful


def values(odps: OdpsHook, topic: str) -> list[str]:
    """Return the values that are in the topic's table, in order."""
    found: list[str] = odps.run_sql(f"SELECT `value` FROM {table_of(topic)} ORDER BY `value`")["value"].to_pylist()
    return found


def test_a_rerun_that_is_not_wanted_fails(topic: str, task_run: TaskRun) -> None:
    """A cleared task says by which upload its rows are there, without retries; a plain retry returns the receipt."""
    first = task_run.attempt(**parameters(topic, on_rerun="fail"))
    assert task_run.attempt(**parameters(topic, on_rerun="fail")) == first
    task_run.clear_number += 1
    with fails(
        f"AlreadyLoaded: 3 rows.*by upload {first['upload_id']}.*set on_rerun='keep' and clear", AirflowFailException
    ):
        task_run.attempt(**parameters(topic, on_rerun="fail"))


OWN_TYPES = {
    "as numbers": "`key` STRING, `value` STRING, `partition` BIGINT, `offset` DECIMAL(20,0)",
    "as text": "`key` STRING, `value` STRING, `partition` VARCHAR(9), `offset` STRING",
}
COLUMNS = {"value": "__value__", "partition": "__partition__", "Offset": "__offset__"}


@pytest.mark.parametrize("types", OWN_TYPES.values(), ids=list(OWN_TYPES))
@pytest.mark.parametrize("partition", [None, "ds=20261122,hh=it is 10"], ids=["plain", "partitioned"])
def test_a_rerun_replaces_the_windows_rows_only(
    topic: str, task_run: TaskRun, odps: OdpsHook, send: Send, types: str, partition: str | None
) -> None:
    """Rows of the window come again, changed by hand or not; those of other windows, and of nobody, stay."""
    parted = " PARTITIONED BY (ds STRING, hh STRING)" if partition else ""
    odps.run_sql(f"CREATE TABLE {table_of(topic)} ({types}){parted}")
    columns = {"columns": COLUMNS, "partition": partition, "on_rerun": "replace", "create_table": False}
    task_run.attempt(**parameters(topic, **columns))
    # Text is compared as the numbers that it stands for: offset 10 is not between 1 and 2.
    for _ in range(9):
        send(topic, b"next", 0)
    TaskRun().attempt(**parameters(topic, **{**columns, "start": {"0": 2, "1": 1}}))
    place = " PARTITION (ds='20261122', hh='it is 10')" if partition else ""
    where = "WHERE ds='20261122' AND hh='it is 10'" if partition else ""
    odps.run_sql(
        f"INSERT OVERWRITE TABLE {table_of(topic)}{place} SELECT `key`, CONCAT(`value`, '?'), `partition`, `offset` "
        f"FROM {table_of(topic)} {where}"
    )
    odps.run_sql(f"INSERT INTO TABLE {table_of(topic)}{place} (`value`) VALUES ('nobody')")
    if partition:
        odps.run_sql(f"INSERT INTO TABLE {table_of(topic)} PARTITION (ds='x', hh='y') (`value`) VALUES ('elsewhere')")
    task_run.clear_number += 1
    again = task_run.attempt(**parameters(topic, **columns))

    assert (again["rows"], again["window"]["partitions"]) == (3, {"0": [0, 2], "1": [0, 1]})
    elsewhere = ["elsewhere"] if partition else []
    assert values(odps, topic) == ["a", "b", "c", *elsewhere, *["next?"] * 9, "nobody"]


def test_a_replacement_needs_offset_columns(topic: str, task_run: TaskRun) -> None:
    """A mapping without partition and offset is refused before anything is planned or created."""
    columns = {"value": "__value__", "offset": "__offset__"}
    with fails(r"on_rerun='replace' finds appended rows.*map __partition__ and", AirflowFailException):
        task_run.attempt(**parameters(topic, columns=columns, on_rerun="replace"))
    assert task_run.store.entries == {}


@pytest.mark.parametrize("committed", [True, False])
def test_an_upload_that_is_gone_is_looked_for_in_the_table(
    topic: str, task_run: TaskRun, odps: OdpsHook, committed: bool
) -> None:
    """A commit in doubt whose session is gone is settled by the rows: they are there, or they are loaded."""
    first = task_run.attempt(**parameters(topic))
    if not committed:
        odps.run_sql(f"TRUNCATE TABLE {table_of(topic)}")
    ((key, written),) = task_run.store.entries.items()
    gone = {**json.loads(written), "phase": "committing", "upload_id": "gone"}
    task_run.store.entries[key] = json.dumps({**gone, "receipt": {**gone["receipt"], "upload_id": "gone"}})
    again = task_run.attempt(**parameters(topic))

    assert values(odps, topic) == ["a", "b", "c"]
    assert again["rows"] == first["rows"]
    assert (again["upload_id"] == "gone") is committed


def test_what_a_rerun_does_is_checked_when_the_dag_is_parsed() -> None:
    """A choice that there is not fails with those that there are."""
    with pytest.raises(InvalidInput, match="on_rerun='again' is not one of 'keep', 'replace', 'fail'"):
        KafkaToMaxComputeOperator(task_id="load", topic="t", table="t", on_rerun="again")
