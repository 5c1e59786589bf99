"""Tables, partitions and statements, on the local endpoint."""

import os
import re
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from odps import ODPS

from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput, StatementFailed, TableRefused
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

EVERY_TYPE = columns_of(
    {
        "c_tinyint": "tinyint",
        "c_smallint": "smallint",
        "c_int": "int",
        "c_bigint": "bigint",
        "c_float": "float",
        "c_double": "double",
        "c_boolean": "boolean",
        "c_string": "string",
        "c_varchar": "varchar(10)",
        "c_char": "char(2)",
        "c_binary": "binary",
        "c_date": "date",
        "c_datetime": "datetime",
        "c_timestamp": "timestamp",
        "c_ntz": "timestamp_ntz",
        "c_decimal": "decimal(10,2)",
        "c_array": "array<string>",
        "c_map": "map<string,bigint>",
        "c_struct": "struct<a:bigint,b:array<double>>",
    }
)
PARTITIONED = TableSchema(columns_of({"a": "bigint"}), columns_of({"ds": "string", "hh": "bigint"}))


@pytest.fixture
def table() -> TableName:
    """Return a table's name that nobody else uses."""
    return TableName(f"t_{uuid.uuid4().hex[:12]}")


def test_a_table_is_described_as_it_was_created(odps_hook: OdpsHook, table: TableName) -> None:
    """Every type, and the partition columns, come back from the service as they went."""
    schema = TableSchema(EVERY_TYPE, columns_of({"ds": "string", "hh": "bigint"}))
    odps_hook.create_table(table, schema)
    assert odps_hook.describe(table) == schema


def test_the_last_change_is_the_partition_s_own(odps_hook: OdpsHook, table: TableName) -> None:
    """What is written to a partition changes what is said of it, in the same words everywhere, and of no other one."""
    odps_hook.create_table(table, TableSchema(columns_of({"a": "bigint"}), columns_of({"ds": "string"})))
    ours, other = (PartitionSpec((("ds", value),)) for value in ("1", "2"))
    for partition in (ours, other):
        odps_hook.create_partition(table, partition)
    before = {partition: odps_hook.last_change(table, partition) for partition in (ours, other)}
    upload = odps_hook.open_upload(table, ours)
    upload.write_block(0, [pa.RecordBatch.from_pydict({"a": [1]})])
    upload.commit(1)
    # As if another machine asked.
    os.environ["TZ"] = "America/St_Johns"
    time.tzset()
    try:
        after = {partition: odps_hook.last_change(table, partition) for partition in (ours, other)}
    finally:
        del os.environ["TZ"]
        time.tzset()
    assert before[ours] != after[ours]
    assert before[other] == after[other]
    assert re.fullmatch(r"changed [0-9T:-]{19}Z, \d+ bytes", after[ours])


def test_creating_twice_is_harmless(odps_hook: OdpsHook, table: TableName) -> None:
    """The DDL is returned, and leaves an existing table alone."""
    statement = odps_hook.create_table(table, PARTITIONED, lifecycle=7)
    assert statement.startswith("CREATE TABLE IF NOT EXISTS")
    assert statement.endswith("LIFECYCLE 7;")
    assert odps_hook.create_table(table, TableSchema(columns_of({"b": "string"}))) != statement
    assert odps_hook.describe(table) == PARTITIONED
    assert odps_hook.get_conn().get_table(table.name).lifecycle == 7


def test_a_missing_table_is_none(odps_hook: OdpsHook, table: TableName) -> None:
    """A table that does not exist is no error."""
    assert odps_hook.describe(table) is None


def test_a_missing_project_is_refused(odps_hook: OdpsHook) -> None:
    """A project that does not exist is not taken for a missing table."""
    with pytest.raises(TableRefused, match=r"describing nowhere\.t: .*NoSuchProject"):
        odps_hook.describe(TableName("t", "nowhere"))


def test_partitions_are_created_once(odps_hook: OdpsHook, table: TableName) -> None:
    """A partition is missing, is created, and is created again without harm."""
    odps_hook.create_table(table, PARTITIONED)
    partition = PartitionSpec.parse("ds=20261122,hh=10")
    assert not odps_hook.partition_exists(table, partition)
    odps_hook.create_partition(table, partition)
    odps_hook.create_partition(table, partition)
    assert odps_hook.partition_exists(table, partition)
    assert not odps_hook.partition_exists(table, PartitionSpec.parse("ds=20261122,hh=11"))


def test_a_partition_of_a_missing_table_is_refused(odps_hook: OdpsHook, table: TableName) -> None:
    """Looking for a partition says when there is not even a table; creating it fails with the statement."""
    partition = PartitionSpec.parse("ds=1")
    with pytest.raises(TableRefused, match=f"looking for partition ds=1 of .*{table.name}"):
        odps_hook.partition_exists(table, partition)
    with pytest.raises(StatementFailed, match=r"(?s)Table not found.*ALTER TABLE"):
        odps_hook.create_partition(table, partition)


@pytest.mark.parametrize("lifecycle", [0, -1])
def test_a_lifecycle_is_a_number_of_days(odps_hook: OdpsHook, table: TableName, lifecycle: int) -> None:
    """A lifecycle that is none is refused before anything is asked."""
    with pytest.raises(InvalidInput, match=f"lifecycle={lifecycle} is not a number of days"):
        odps_hook.create_table(table, PARTITIONED, lifecycle)


def test_names_are_resolved_by_the_connection(odps_hook: OdpsHook, odps_settings: OdpsSettings) -> None:
    """A table without a project is in the connection's; one with a project stays where it is."""
    assert odps_hook.resolve(TableName("t")) == TableName("t", odps_settings.project)
    assert odps_hook.resolve(TableName("t", "other")) == TableName("t", "other")


def test_rows_come_back_as_columns(odps_hook: OdpsHook, plain_odps: ODPS, table: TableName) -> None:
    """A query returns Arrow columns in the types of the table."""
    schema = TableSchema(columns_of({"a": "bigint", "s": "string", "t": "datetime", "d": "decimal(10,2)"}))
    odps_hook.create_table(table, schema)
    with plain_odps.get_table(table.name).open_writer() as writer:
        writer.write([[1, "x", datetime(2026, 11, 22, tzinfo=UTC), Decimal("1.25")], [2, None, None, None]])
    rows = odps_hook.run_sql(f"SELECT * FROM {table.name} ORDER BY a")
    assert rows.schema.types == schema.arrow.types
    assert rows.column("d").to_pylist() == [Decimal("1.25"), None]
    assert rows.column("t").cast(pa.timestamp("ms", "UTC")).to_pylist()[0] == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_query_without_rows_has_columns(odps_hook: OdpsHook, table: TableName) -> None:
    """No rows are not no answer: names and types are there."""
    odps_hook.create_table(table, PARTITIONED)
    rows = odps_hook.run_sql(f"SELECT a, ds FROM {table.name} WHERE ds = 'x'")
    assert (rows.num_rows, rows.column_names) == (0, ["a", "ds"])


def test_a_statement_without_rows_gives_no_columns(odps_hook: OdpsHook, table: TableName) -> None:
    """DDL through run_sql works and returns an empty table."""
    assert odps_hook.run_sql(f"CREATE TABLE {table.name} (a BIGINT)").num_columns == 0
    assert odps_hook.describe(table) == TableSchema(columns_of({"a": "bigint"}))


def test_a_wrong_statement_has_the_services_words(odps_hook: OdpsHook, table: TableName) -> None:
    """A failed query shows why, and the statement."""
    with pytest.raises(StatementFailed, match=f"(?s)ODPS-0130131.*{table.name}.*\nSELECT"):
        odps_hook.run_sql(f"SELECT * FROM {table.name}")


def test_a_wrong_key_is_a_problem_of_the_connection(
    odps_settings: OdpsSettings, monkeypatch: pytest.MonkeyPatch, table: TableName
) -> None:
    """The endpoint checks signatures: a wrong secret names the connection and where to fix it."""
    extra = f"access_key_id={odps_settings.access_key_id}&access_key_secret=wrong&project={odps_settings.project}"
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", f"maxcompute://?{extra}")
    with pytest.raises(InvalidConnection, match=r"(?s)connection 'wrong'.*does not accept the access key.*Admin"):
        OdpsHook("wrong", endpoint=odps_settings.endpoint).describe(table)


def test_a_connection_that_is_not_there_is_named() -> None:
    """An unknown connection id says so and where connections live."""
    with pytest.raises(InvalidConnection, match=r"(?s)'nobody'.*there is no connection.*AIRFLOW_CONN_NOBODY"):
        _ = OdpsHook("nobody").settings


def test_an_extra_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken extra is not taken for an empty one."""
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", '{"conn_type": "maxcompute", "extra": "{oops"}')
    with pytest.raises(InvalidConnection, match="its extra is not JSON"):
        _ = OdpsHook("broken").settings
