"""Uploads to the local endpoint, read back by the official client."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.delivery.settling import commit
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitRejected, TableRefused, UploadFailed
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, RunningEndpoint

# Per type: what Arrow takes, and what the official client gives back.
WRITTEN: dict[str, list[Any]] = {
    "tinyint": [1, None],
    "smallint": [-32768, None],
    "int": [2**31 - 1, None],
    "bigint": [-(2**63) + 1, None],
    "float": [1.5, None],
    "double": [0.1, None],
    "boolean": [True, None],
    "string": ["ключ 🔑", None],
    "varchar(10)": ["a", None],
    "char(2)": ["ab", None],
    "binary": [b"\x00\xff", None],
    "date": [date(2026, 11, 22), None],
    "decimal(10,2)": [Decimal("-99999999.99"), None],
    "array<string>": [["a", "b"], None],
    "map<string,bigint>": [[("a", 1)], None],
    "struct<a:bigint,b:array<double>>": [{"a": 1, "b": [1.5]}, None],
}
DAY = PartitionSpec.parse("ds=20261122")


@pytest.fixture
def table(odps_hook: OdpsHook) -> TableName:
    """Return a fresh table with one BIGINT column."""
    return create(odps_hook, TableSchema(columns_of({"a": "bigint"})))


@pytest.fixture
def daily(odps_hook: OdpsHook) -> TableName:
    """Return a fresh table with one BIGINT column and a day's partition."""
    table = create(odps_hook, TableSchema(columns_of({"a": "bigint"}), columns_of({"ds": "string"})))
    odps_hook.create_partition(table, DAY)
    return table


def create(hook: OdpsHook, schema: TableSchema) -> TableName:
    """Create a table with a name that nobody else uses."""
    table = TableName(f"u_{uuid.uuid4().hex[:12]}")
    hook.create_table(table, schema)
    return table


def numbers(*values: int) -> list[pa.RecordBatch]:
    """Return one batch for the one-column tables."""
    return [pa.record_batch({"a": pa.array(values, pa.int64())})]


def rows_of(odps: ODPS, table: TableName, partition: PartitionSpec | None = None) -> list[Any]:
    """Return a one-column table's values in order, read by the official client."""
    reader = odps.get_table(table.name).open_reader(partition=str(partition) if partition else None, reopen=True)
    return sorted(record[0] for record in reader)


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_type_is_read_back_by_the_official_client(odps_hook: OdpsHook, plain_odps: ODPS, kind: str) -> None:
    """A value and a null of each type arrive as the official client's own records have them."""
    schema = TableSchema(columns_of({"c": kind}))
    table = create(odps_hook, schema)
    upload = odps_hook.open_upload(table)
    upload.write_block(0, [pa.record_batch([pa.array(WRITTEN[kind], schema.arrow.types[0])], schema=schema.arrow)])
    upload.commit(1)
    with plain_odps.get_table(table.name).open_reader() as reader:
        read = [record[0] for record in reader]
    expected, nothing = WRITTEN[kind]
    assert read[1] is nothing
    if kind.startswith("map"):
        assert dict(read[0]) == dict(expected)
    elif kind.startswith("struct"):
        assert (read[0].a, read[0].b) == (expected["a"], expected["b"])
    else:
        assert read[0] == expected


@pytest.mark.parametrize("kind", ["datetime", "timestamp"])
def test_instants_are_utc(odps_hook: OdpsHook, kind: str) -> None:
    """What is written as an instant is the same instant when it is queried."""
    schema = TableSchema(columns_of({"c": kind}))
    table = create(odps_hook, schema)
    upload = odps_hook.open_upload(table)
    instant = datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
    unit = schema.arrow.types[0].unit
    column = pa.array([instant], pa.timestamp(unit, "UTC")).cast(schema.arrow.types[0])
    upload.write_block(0, [pa.record_batch([column], schema=schema.arrow)])
    upload.commit(1)
    read = odps_hook.run_sql(f"SELECT c FROM {table.name}").column("c")
    assert read.cast(pa.timestamp(unit)).cast(pa.int64()).to_pylist() == column.cast(pa.int64()).to_pylist()


def test_nothing_is_visible_before_the_commit(odps_hook: OdpsHook, plain_odps: ODPS, table: TableName) -> None:
    """Blocks show all at once, at the commit."""
    upload = odps_hook.open_upload(table)
    upload.write_block(1, numbers(3, 4))
    upload.write_block(0, numbers(1, 2))
    assert rows_of(plain_odps, table) == []
    assert upload.status() is UploadStatus.NORMAL
    upload.commit(2)
    assert rows_of(plain_odps, table) == [1, 2, 3, 4]
    assert upload.status() is UploadStatus.CLOSED


def test_a_block_written_again_replaces_itself(odps_hook: OdpsHook, plain_odps: ODPS, table: TableName) -> None:
    """The last write of a number counts, and nothing of the one before."""
    upload = odps_hook.open_upload(table)
    upload.write_block(0, numbers(1, 2, 3))
    upload.write_block(0, numbers(9))
    upload.commit(1)
    assert rows_of(plain_odps, table) == [9]


def test_several_batches_make_one_block(odps_hook: OdpsHook, plain_odps: ODPS, table: TableName) -> None:
    """A block takes its batches in order, also when they are slices and span many chunks."""
    batch = pa.record_batch({"a": pa.array(range(100_000), pa.int64())})
    upload = odps_hook.open_upload(table)
    written = upload.write_block(0, [batch.slice(0, 10), batch.slice(10, 0), batch.slice(10)])
    upload.commit(1)
    assert written > 800_000
    assert rows_of(plain_odps, table) == list(range(100_000))


def test_appending_adds_and_overwriting_replaces(odps_hook: OdpsHook, plain_odps: ODPS, daily: TableName) -> None:
    """Two appended uploads add up; an overwriting one leaves only its own rows, in its partition only."""
    other = PartitionSpec.parse("ds=20261123")
    odps_hook.create_partition(daily, other)
    for partition, value, overwrite in ((other, 7, False), (DAY, 1, False), (DAY, 2, False), (DAY, 3, True)):
        upload = odps_hook.open_upload(daily, partition, overwrite=overwrite)
        upload.write_block(0, numbers(value))
        upload.commit(1)
        if value == 2:
            assert rows_of(plain_odps, daily, DAY) == [1, 2]
    assert rows_of(plain_odps, daily, DAY) == [3]
    assert rows_of(plain_odps, daily, other) == [7]


def test_an_overwriting_upload_without_blocks_empties(odps_hook: OdpsHook, plain_odps: ODPS, daily: TableName) -> None:
    """Committing no block in overwrite mode leaves the partition there, without rows."""
    upload = odps_hook.open_upload(daily, DAY)
    upload.write_block(0, numbers(1))
    upload.commit(1)
    odps_hook.open_upload(daily, DAY, overwrite=True).commit(0)
    assert rows_of(plain_odps, daily, DAY) == []


def test_another_process_can_go_on(odps_hook: OdpsHook, plain_odps: ODPS, daily: TableName) -> None:
    """An attached upload writes, commits and tells its status like the one that opened it."""
    opened = odps_hook.open_upload(daily, DAY)
    opened.write_block(0, numbers(1))
    attached = OdpsHook().attach_upload(daily, DAY, opened.id)
    assert attached.max_field_bytes == opened.max_field_bytes
    attached.write_block(1, numbers(2))
    attached.commit(2)
    assert rows_of(plain_odps, daily, DAY) == [1, 2]
    assert opened.status() is UploadStatus.CLOSED


def test_a_second_commit_is_rejected(odps_hook: OdpsHook, plain_odps: ODPS, table: TableName) -> None:
    """Committing once more is a no, adds nothing, and the status still tells the truth."""
    upload = odps_hook.open_upload(table)
    upload.write_block(0, numbers(1))
    upload.commit(1)
    with pytest.raises(CommitRejected, match=f"upload {upload.id} to .*{table.name}"):
        upload.commit(1)
    assert upload.status() is UploadStatus.CLOSED
    assert rows_of(plain_odps, table) == [1]


def test_an_unknown_session_is_gone(odps_hook: OdpsHook, table: TableName) -> None:
    """Attaching to nothing works; its status is GONE, its blocks and commits fail with the service's words."""
    upload = odps_hook.attach_upload(table, None, "20261122000000000000000000000000")
    assert upload.status() is UploadStatus.GONE
    with pytest.raises((UploadFailed, TableRefused), match="NoSuchUpload"):
        upload.write_block(0, numbers(1))
    with pytest.raises(CommitRejected, match="NoSuchUpload"):
        upload.commit(1)


def test_a_session_of_a_dropped_table_is_gone(odps_hook: OdpsHook, table: TableName) -> None:
    """Without its table, a session cannot tell any more."""
    upload = odps_hook.open_upload(table)
    odps_hook.run_sql(f"DROP TABLE {table.name}")
    assert upload.status() is UploadStatus.GONE


def test_a_missing_partition_refuses_the_upload(odps_hook: OdpsHook, daily: TableName) -> None:
    """The tunnel creates no partitions: the refusal says which is missing."""
    with pytest.raises(TableRefused, match=r"opening an upload to .*/ds=1: .*NoSuchPartition"):
        odps_hook.open_upload(daily, PartitionSpec.parse("ds=1"))


def test_the_schema_is_the_sessions(odps_hook: OdpsHook, daily: TableName) -> None:
    """The session tells columns and partition columns as the table has them."""
    assert odps_hook.open_upload(daily, DAY).schema == odps_hook.describe(daily)


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_a_lost_commit_answer_is_settled(
    odps_hook: OdpsHook, plain_odps: ODPS, table: TableName, endpoint: RunningEndpoint, moment: Moment
) -> None:
    """Whether the request or its answer was lost, the session's status tells, and the rows are there once."""
    upload = odps_hook.open_upload(table)
    upload.write_block(0, numbers(1, 2))
    endpoint.control.inject(Operation.COMMIT_UPLOAD, Drop(moment), times=1, table=table.name)
    commit(upload, 1, HandClock(), deadline=60)
    assert upload.status() is UploadStatus.CLOSED
    assert rows_of(plain_odps, table) == [1, 2]


def test_a_session_that_is_closing_is_not_final(
    odps_hook: OdpsHook, table: TableName, endpoint: RunningEndpoint
) -> None:
    """A commit under way is told as such, by both of its names."""
    upload = odps_hook.open_upload(table)
    for name in ("closing", "committing"):
        endpoint.control.force_status(upload.id, name)
        assert upload.status() is UploadStatus.CLOSING


def test_three_level_names_lead_to_their_schema(odps_hook: OdpsHook) -> None:
    """A table in a schema is created, written and queried there; the default schema has none of that name."""
    schema = f"s_{uuid.uuid4().hex[:8]}"
    odps_hook.run_sql(f"CREATE SCHEMA {schema}")
    table = TableName("orders", odps_hook.settings.project, schema)
    odps_hook.create_table(table, TableSchema(columns_of({"a": "bigint"}), columns_of({"ds": "string"})))
    odps_hook.create_partition(table, DAY)
    upload = odps_hook.open_upload(table, DAY)
    upload.write_block(0, numbers(1))
    upload.commit(1)
    assert odps_hook.describe(TableName("orders", odps_hook.settings.project, "default")) is None
    rows = odps_hook.run_sql(f"SELECT a FROM {table}", {"odps.namespace.schema": "true"})
    assert rows.column("a").to_pylist() == [1]
