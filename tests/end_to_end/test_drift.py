"""A mapping that the table does not have room for: refused, added to the table, or left out, and said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.task_run import Send, TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

COLUMNS = {"id": "id", "Price": "price", "at": "__offset__"}


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send, odps: OdpsHook) -> str:
    """Return a topic with one record, whose table knows only one of its three columns."""
    name = make_topic()
    send(name, b'{"id": "a", "price": 1.10}')
    odps.run_sql(f"CREATE TABLE {table_of(name)} (id STRING) PARTITIONED BY (ds STRING)")
    return name


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def load(topic: str, run: TaskRun, **more: Any) -> dict[str, Any]:
    """Load the topic into its table by a mapping of three columns."""
    whole = {"start": "earliest", "end": "latest", "partition": "ds=1", "columns": COLUMNS}
    return run.attempt(**{"topic": topic, "table": table_of(topic), **whole, **more})


def rows(odps: OdpsHook, topic: str) -> list[dict[str, Any]]:
    """Return the rows of the topic's table."""
    found: list[dict[str, Any]] = odps.run_sql(f"SELECT * FROM {table_of(topic)}").to_pylist()
    return found


def test_a_missing_column_is_refused(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """By default nothing is loaded, and every column that is missing is named."""
    with fails("has no column 'Price'; the table has no column 'at'", AirflowFailException):
        load(topic, task_run)
    assert rows(odps, topic) == []


def test_missing_columns_are_added(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """The table gets them, of the types that were given or follow from their sources, and the receipt says so."""
    types = {"price": "DECIMAL(10,2)"}
    receipt = load(topic, task_run, on_schema_drift="add", column_types=types)

    assert receipt["drift"] == {"added": ["price decimal(10,2)", "at bigint"], "ignored": []}
    (row,) = rows(odps, topic)
    assert (row["id"], str(row["price"]), row["at"]) == ("a", "1.10", 0)
    assert load(topic, TaskRun(), on_schema_drift="add", column_types=types)["drift"] is None


def test_missing_columns_are_ignored(topic: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """What there is room for is loaded, and the receipt says what was left out."""
    receipt = load(topic, task_run, on_schema_drift="ignore")
    assert receipt["drift"] == {"added": [], "ignored": ["Price", "at"]}
    assert [row["id"] for row in rows(odps, topic)] == ["a"]


def test_a_created_table_has_the_types_that_were_given(
    topic: str, task_run: TaskRun, odps: OdpsHook, capfd: pytest.CaptureFixture[str]
) -> None:
    """Given types go before inferred ones, and the statement is in the log."""
    name = f"{table_of(topic)}_new"
    load(topic, task_run, table=name, create_table=True, column_types='{"PRICE": "DOUBLE"}')
    assert odps.run_sql(f"SELECT price FROM {name}")["price"].to_pylist() == [1.1]
    assert "`price` DOUBLE" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"column_types": {"id": "BIGINT"}}, "column id is string, and column_types says bigint. Change the table"),
        ({"column_types": {"nothing": "BIGINT"}}, "column_types names nothing, to which nothing is mapped"),
        ({"column_types": {"price": "MONEY"}}, "types that cannot be written: price: money"),
        ({"column_types": "{"}, "is no JSON"),
        ({"column_types": {"price": 1}}, "a mapping of column names to MaxCompute types is wanted"),
        ({"columns": {"b": "b"}, "on_schema_drift": "ignore"}, "leaves no column"),
        ({"columns": {"id": "id", "ds": "b"}, "on_schema_drift": "add"}, "'ds' is a partition column"),
    ],
)
def test_what_cannot_be_decided_is_refused(topic: str, task_run: TaskRun, more: dict[str, Any], message: str) -> None:
    """A type that is none, or not the table's, is said before a record is read."""
    with fails(message, AirflowFailException):
        load(topic, task_run, **more)
