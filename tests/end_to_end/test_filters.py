"""A part of a topic: every offset is accounted for, whoever loads it, and however often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.task_run import Send, TaskRun
from kit.unbroken import unbroken

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

COLUMNS = {"id": "id | number", "phone": "phone | mask(3, 4)", "p": "__partition__", "o": "__offset__"}
ORDERS = "type = 'order' AND amount >= 10"
VALUES = [
    b'{"type": "order", "amount": 12, "id": "1", "phone": "13812345678"}',
    b'{"type": "click", "amount": "?", "id": "2"}',
    b'{"type": "order", "amount": 9, "id": "3"}',
    b'{"type": "order", "amount": "12", "id": "4"}',
    b"no JSON",
    b'{"type": "order", "amount": 10.5, "id": "five"}',
    b'{"type": "order", "amount": 99, "id": 6, "phone": "1"}',
]


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic of two partitions, each with all of the values."""
    name = make_topic(partitions=2)
    for partition in (0, 1):
        for value in VALUES:
            send(name, value, partition)
    return name


def parameters(topic: str, **more: Any) -> dict[str, Any]:
    """Return the operator's parameters for loading the orders of a topic."""
    whole = {"start": "earliest", "end": "latest", "columns": COLUMNS, "where": ORDERS, "create_table": True}
    return {"topic": topic, "table": topic.replace("-", "_"), "max_rejects": "unlimited", **whole, **more}


def rows(odps: OdpsHook, topic: str) -> list[tuple[Any, ...]]:
    """Return the rows of the topic's table, in order."""
    found = odps.run_sql(f"SELECT id, phone, p, o FROM {topic.replace('-', '_')} ORDER BY p, o")
    return [tuple(row.values()) for row in found.to_pylist()]


ALL = [(number, phone, p, o) for p in (0, 1) for number, phone, o in ((1, "138****5678", 0), (6, "*", 6))]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_part_of_a_topic(topic: str, task_run: TaskRun, odps: OdpsHook, workers: int) -> None:
    """Rows, rejects and what is left out are all offsets; the table was compared with the rows."""
    receipt = task_run.attempt(**parameters(topic, workers=workers, rejects_table=f"{topic.replace('-', '_')}_r"))
    assert rows(odps, topic) == ALL
    assert receipt["partitions"] == {key: {"rows": 2, "rejects": 2, "gaps": 0, "filtered": 3} for key in "01"}
    assert (receipt["filtered"], receipt["not_json"], receipt["reconciled"]) == (6, 0, "offsets")
    assert receipt["summary"].endswith("4 rows, 4 rejects, 6 filtered")
    found = odps.run_sql(f"SELECT kafka_offset, column_name, record_value FROM {topic.replace('-', '_')}_r ORDER BY 1")
    kept = {(each["kafka_offset"], each["column_name"]) for each in found.to_pylist()}
    assert kept == {(3, "where"), (5, "id")}


def test_a_part_of_a_topic_is_loaded_again_in_its_place(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """A cleared task replaces exactly its rows; with another condition the rows are the others."""
    wanted = parameters(topic, on_rerun="replace")
    task_run.attempt(**wanted)
    task_run.clear_number += 1
    assert task_run.attempt(**wanted)["rows"] == 4
    assert rows(odps, topic) == ALL
    task_run.clear_number += 1
    assert task_run.attempt(**{**wanted, "where": "type = 'click'", "on_fewer_rows": "replace"})["rows"] == 2
    assert [row[0] for row in rows(odps, topic)] == [2, 2]


def test_fewer_rows_by_another_condition_replace_nothing(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """The message says how many records the condition has left out, and the rows stay."""
    wanted = parameters(topic, mode="overwrite")
    task_run.attempt(**wanted)
    task_run.clear_number += 1
    with pytest.raises(AirflowFailException, match="FewerRows") as raised:
        task_run.attempt(**{**wanted, "where": "type = 'none of these'"})
    assert "14 records left out by where" in unbroken(raised.value)
    assert rows(odps, topic) == ALL


def test_nothing_that_is_wanted(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """A window of which nothing is kept is a load without rows, and no failure."""
    receipt = task_run.attempt(**parameters(topic, where="type = 'none of these'"))
    assert (receipt["rows"], receipt["rejects"], receipt["filtered"]) == (0, 0, 14)
    assert rows(odps, topic) == []


def test_a_condition_that_makes_no_sense(topic: str, task_run: TaskRun) -> None:
    """It is refused before anything is read."""
    with pytest.raises(AirflowFailException, match="InvalidMapping") as raised:
        task_run.attempt(**parameters(topic, where="__offset__ = 'x' OR type | trimm = 'y'"))
    text = unbroken(raised.value)
    assert "__offset__: it is integer of 64 bits" in text
    assert "do you mean trim?" in text
