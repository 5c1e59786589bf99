"""The rest of what PyODPS offers: pandas, DB-API, SQLAlchemy, previews, metadata, several processes."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from odps import ODPS, dbapi, errors, options
from odps.accounts import BearerTokenAccount
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

MakeTable = Callable[..., Any]
COLUMNS = (
    "k bigint, d datetime, ts timestamp, m map<string,bigint>, s struct<x:bigint,y:array<string>>, dc decimal(10,2)"
)
SELECTED = (
    "7, CAST('2026-11-22 10:00:00' AS DATETIME), CAST('2026-11-22 10:00:00.123456789' AS TIMESTAMP), "
    "MAP('q', 1), NAMED_STRUCT('x', 5, 'y', ARRAY('a', NULL)), 1.5"
)


@pytest.fixture
def typed(odps: ODPS, make_table: MakeTable, name: str) -> Any:
    """Return a partitioned table with one row of several types."""
    table = make_table((COLUMNS, "ds string"))
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds='a') SELECT {SELECTED}")
    return table


ROW = [
    7,
    dt.datetime(2026, 11, 22, 10),  # noqa: DTZ001
    pd.Timestamp("2026-11-22 10:00:00.123456789"),
    {"q": 1},
    (5, ["a", None]),
    Decimal("1.50"),
]


def test_the_first_rows_come_with_partition_columns(typed: Any) -> None:
    """Table.head gives typed values, nested ones too, of one partition, of all, and of chosen columns."""
    for arguments in ({"partition": "ds=a"}, {}):
        (record,) = typed.head(5, **arguments)
        assert [*record.values[:4], tuple(record.values[4]), record.values[5]] == ROW
        assert record["ds"] == "a"
    assert [record.values for record in typed.head(5, columns=["k", "ds"])] == [[7, "a"]]


def test_previews_have_the_partition_of_each_row(odps: ODPS, name: str) -> None:
    """Of a partition, of the whole table, and of columns in any order: partition columns are not NULL."""
    table = odps.create_table(name, ("k bigint", "ds string"))
    for ds, k in (("a", 1), ("b", 2)):
        odps.write_table(name, [[k]], partition=f"ds={ds}", create_partition=True)
    assert [record.values for record in table.head(5, use_legacy=False)] == [[1, "a"], [2, "b"]]
    assert [record.values for record in table.head(5, partition="ds=b", use_legacy=False)] == [[2, "b"]]
    assert [record["ds"] for record in table.head(5, columns=["ds", "k"], use_legacy=False)] == ["a", "b"]


def test_a_block_tells_what_it_cost(odps: ODPS, make_table: Callable[..., Any], name: str) -> None:
    """A writer that asks for metrics gets the endpoint's part, in microseconds."""
    make_table("k bigint")
    options.tunnel.enable_client_metrics = True
    try:
        session = TableTunnel(odps).create_upload_session(name)
        with session.open_record_writer(0) as writer:
            writer.write(session.new_record([1]))
        assert writer.metrics.server_total_cost >= 0
        session.commit([0])
    finally:
        options.tunnel.enable_client_metrics = False


def test_a_bearer_token_is_refused_by_its_name(endpoint: RunningEndpoint) -> None:
    """The message says what to use instead."""
    odps = ODPS(None, None, endpoint.project, endpoint.endpoint, account=BearerTokenAccount("a.b.c"))
    with pytest.raises(errors.ODPSError, match="bearer tokens are not part of this endpoint; use an access key"):
        odps.execute_sql("SELECT 1")


def test_previews_are_arrow(odps: ODPS, typed: Any) -> None:
    """The preview of the tunnel is an Arrow stream with the first rows."""
    with TableTunnel(odps).open_preview_reader(typed, partition_spec="ds=a", limit=1, arrow=True) as reader:
        table = reader.read()
    assert table.column("k").to_pylist() == [7]
    assert table.column("ts").to_pylist() == [ROW[2]]


def test_rows_come_as_pandas(odps: ODPS, typed: Any, name: str) -> None:
    """Tables and results become data frames, through records and through Arrow."""
    with typed.open_reader(partition="ds=a") as reader:
        assert pd.Timestamp(reader.to_pandas()["ts"].iloc[0]) == ROW[2]
    with odps.execute_sql(f"SELECT * FROM {name}").open_reader(tunnel=True, arrow=True) as results:
        frame = results.to_pandas()
    assert (frame["k"].iloc[0], frame["ds"].iloc[0], frame["dc"].iloc[0]) == (7, "a", Decimal("1.50"))
    assert pd.Timestamp(frame["ts"].iloc[0]) == ROW[2]


def test_data_frames_are_written(odps: ODPS, name: str) -> None:
    """write_table creates a table of a frame, appends, overwrites, and fills partitions from a column."""
    odps.write_table(
        name, pd.DataFrame({"a": [3], "p": ["x"]}), create_table=True, partitions=["p"], create_partition=True
    )
    odps.write_table(name, pd.DataFrame({"a": [4], "p": ["y"]}), partitions=["p"], create_partition=True)
    assert [record.values for record in odps.read_table(name, partition="p=y")] == [[4, "y"]]
    odps.write_table(name, [[5]], partition="p=x", overwrite=True)
    assert [record.values for record in odps.read_table(name, partition="p=x")] == [[5, "x"]]


def test_arrow_is_written_with_open_writer(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """The buffered Arrow writer of a table works without block numbers."""
    table = make_table("a bigint, b string")
    with table.open_writer(arrow=True) as writer:
        writer.write(pa.table({"a": [5], "b": ["q"]}))
    assert [record.values for record in odps.read_table(name)] == [[5, "q"]]


def test_the_python_database_interface_works(odps: ODPS, typed: Any, name: str) -> None:
    """PyODPS's DB-API cursor describes and fetches."""
    del typed
    cursor = dbapi.connect(odps).cursor()
    cursor.execute(f"SELECT k, ds FROM {name}")
    assert [column[0] for column in cursor.description] == ["k", "ds"]
    assert [list(row) for row in cursor.fetchall()] == [[7, "a"]]


@pytest.mark.filterwarnings("ignore")
def test_sqlalchemy_finds_and_reads_tables(endpoint: RunningEndpoint, typed: Any, name: str) -> None:
    """PyODPS's dialect lists each table once, and reads it."""
    del typed
    url = f"odps://{endpoint.access_id}:{endpoint.access_key}@{endpoint.project}/?endpoint={endpoint.endpoint}"
    engine = sa.create_engine(url)
    assert sa.inspect(engine).get_table_names().count(name) == 1
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(sa.text(f"SELECT k FROM {name}"))] == [(7,)]


ONE_PROCESS = """
import sys
from odps import ODPS
from odps.tunnel import TableTunnel
access_id, access_key, project, endpoint, name, upload_id, block_id = sys.argv[1:]
odps = ODPS(access_id, access_key, project, endpoint, overwrite_global=False)
session = TableTunnel(odps).create_upload_session(name, upload_id=upload_id)
with session.open_record_writer(int(block_id)) as writer:
    writer.write(session.new_record([int(block_id)]))
"""


def test_several_processes_fill_one_session(
    endpoint: RunningEndpoint, odps: ODPS, make_table: MakeTable, name: str
) -> None:
    """Blocks written by other processes at the same time are all there after one commit."""
    make_table("k bigint")
    session = TableTunnel(odps).create_upload_session(name)
    where = [endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, name, session.id]
    writers = [subprocess.Popen([sys.executable, "-c", ONE_PROCESS, *where, str(block)]) for block in range(2)]
    try:
        assert [writer.wait(60) for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    session.commit([0, 1])
    assert [record[0] for record in odps.read_table(name)] == [0, 1]


def test_metadata_is_complete(odps: ODPS, typed: Any, name: str) -> None:
    """Sizes, counts, times, owners and statements of tables, partitions, instances and the project can be asked."""
    table = odps.get_table(name)
    assert table.size > 0
    assert table.creation_time
    assert table.last_data_modified_time
    assert table.owner.startswith("ALIYUN$")
    assert table.table_id
    assert table.is_archived is False
    partition = typed.get_partition("ds=a")
    assert (partition.size > 0, partition.is_archived, partition.lifecycle) == (True, False, -1)
    instance = odps.run_sql("SELECT 1")
    instance.wait_for_success()
    assert instance.is_successful()
    assert instance.start_time <= instance.end_time
    assert instance.get_sql_query().startswith("SELECT 1")
    assert odps.get_instance(instance.id).status == instance.Status.TERMINATED
    assert odps.get_project().properties["odps.sql.cfile2.field.maxsize"] == "8192"
    assert [project.name for project in odps.list_projects()] == [odps.project]
    assert not odps.exist_resource("nothing.py")


def test_tables_are_changed_through_their_methods(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """The methods of PyODPS's table object do what they say."""
    table = make_table("a bigint, b string")
    table.add_columns("c bigint, d string")
    table.rename_column("c", "e")
    table.delete_columns("d")
    table.set_lifecycle(5)
    table.set_comment("changed")
    table.reload()
    assert (table.table_schema.names, table.lifecycle, table.comment) == (["a", "b", "e"], 5, "changed")
    table.rename(f"{name}_new")
    assert odps.exist_table(f"{name}_new")
    assert not odps.exist_table(name)


def test_what_is_not_built_says_so(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """Stream uploads answer NotImplemented instead of something strange."""
    make_table("k bigint")
    with pytest.raises(errors.ODPSError) as caught:
        TableTunnel(odps).create_stream_upload_session(name)
    assert caught.value.code == "NotImplemented"
