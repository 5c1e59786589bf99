"""Statements that are started by one attempt and waited for by another, on the local endpoint."""

import uuid
from collections.abc import Callable

import pytest

from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.hooks.odps import OdpsHook


@pytest.fixture
def insert(odps_hook: OdpsHook) -> Callable[[str | None], str]:
    """Return what starts to insert one row into a table of one's own."""
    table = TableName(f"t_{uuid.uuid4().hex[:12]}")
    odps_hook.create_table(table, TableSchema(columns_of({"a": "bigint"})))
    return lambda name: odps_hook.start_sql(f"INSERT INTO {table} VALUES (1);", table, name)


def test_a_statement_runs_once_under_its_name(odps_hook: OdpsHook, insert: Callable[[str | None], str]) -> None:
    """Starting it again returns the first one's instance; another name, or none, starts another."""
    name = uuid.uuid4().hex
    first = insert(name)
    assert odps_hook.await_sql(first) == StatementEnd(Fate.SUCCEEDED)
    assert insert(name) == first
    assert len({first, insert(f"{name}-2"), insert(None), insert(None)}) == 4


def test_a_statement_that_failed_has_its_name_still(odps_hook: OdpsHook) -> None:
    """What is started under the name of a statement that failed is that statement: it tells why again."""
    name, table = uuid.uuid4().hex, TableName(f"t_{uuid.uuid4().hex[:12]}")
    started = [odps_hook.start_sql(f"INSERT INTO {table} VALUES (1);", table, name) for _ in range(2)]
    told = [odps_hook.await_sql(each) for each in started]
    assert started[0] == started[1]
    assert told[0] == told[1]
    assert told[0].fate is Fate.FAILED
    assert told[0].words.startswith("ODPS-0130131")


def test_a_statement_that_is_forgotten_has_ended(odps_hook: OdpsHook) -> None:
    """An instance that the service does not know any more is not waited for."""
    told = odps_hook.await_sql(f"20200101000000000{uuid.uuid4().hex[:8]}")
    assert told.fate is Fate.FORGOTTEN
    assert told.words.startswith("NoSuchObject")
