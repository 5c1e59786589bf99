"""Download sessions as PyODPS opens them: waiting for one, and reading some of the columns in some order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import InstanceTunnel, TableTunnel

from airflow_provider_kafka_odps.local.testing import ForceStatus, Operation, RunningEndpoint

MakeTable = Callable[..., Any]
ROWS: list[list[Any]] = [[1, "a", 0.5, ["x"], "p"], [2, None, None, None, "p"]]


@pytest.fixture
def filled(odps: ODPS, make_table: MakeTable, name: str) -> str:
    """Return a partitioned table with two rows."""
    make_table(("a bigint, b string, c double, d array<string>", "ds string"))
    odps.write_table(name, [row[:4] for row in ROWS], partition="ds=p", create_partition=True)
    return name


@pytest.fixture
def _no_faults_left(endpoint: RunningEndpoint) -> Iterator[None]:
    yield
    endpoint.control.clear()


@pytest.mark.usefixtures("_no_faults_left")
def test_a_session_that_is_being_made_is_waited_for(endpoint: RunningEndpoint, odps: ODPS, filled: str) -> None:
    """PyODPS asks again while a session is initiating, and then reads it."""
    endpoint.control.inject(Operation.CREATE_DOWNLOAD, ForceStatus("initiating"), table=filled)
    before = endpoint.control.requests()[-1].number
    session = TableTunnel(odps).create_download_session(filled, partition_spec="ds=p", async_mode=True)
    assert session.status == session.Status.Normal
    assert len(endpoint.control.requests(Operation.RELOAD_DOWNLOAD, before)) == 1
    with session.open_record_reader(0, session.count) as reader:
        assert reader.read()["a"] == 1


@pytest.mark.parametrize("async_mode", [False, True])
def test_sessions_are_opened_either_way(odps: ODPS, filled: str, async_mode: bool) -> None:
    """A session is normal at once, asked for asynchronously or not."""
    session = TableTunnel(odps).create_download_session(filled, partition_spec="ds=p", async_mode=async_mode)
    assert (session.status, session.count) == (session.Status.Normal, 2)


@pytest.mark.parametrize("columns", [["c"], ["c", "a"], ["d", "b", "a"], ["a", "ds"], ["b", "A"]])
def test_records_come_in_the_columns_that_were_asked_for(odps: ODPS, filled: str, columns: list[str]) -> None:
    """A subset in another order is read by name, partition columns and another case included."""
    session = TableTunnel(odps).create_download_session(filled, partition_spec="ds=p")
    places = ["abcd".find(column.lower()) if column != "ds" else 4 for column in columns]
    wanted = [{column.lower(): row[at] for column, at in zip(columns, places, strict=True)} for row in ROWS]
    with session.open_record_reader(0, 2, columns=columns, append_partitions="ds" in columns) as reader:
        read = [{key.lower(): value for key, value in dict(record).items()} for record in reader]
    assert [{key: row[key] for key in wanted[0]} for row in read] == wanted


@pytest.mark.parametrize("columns", [["c"], ["c", "a"], ["d", "b", "a"]])
def test_arrow_comes_in_the_columns_that_were_asked_for(odps: ODPS, filled: str, columns: list[str]) -> None:
    """Arrow bodies hold exactly these columns."""
    session = TableTunnel(odps).create_download_session(filled, partition_spec="ds=p")
    with session.open_arrow_reader(0, 2, columns=columns) as reader:
        read: pa.Table = reader.read()
    assert {column: read.column(column).to_pylist() for column in columns} == {
        column: [row["abcd".index(column)] for row in ROWS] for column in columns
    }


def test_results_are_read_in_some_columns_too(odps: ODPS, filled: str) -> None:
    """The instance tunnel reads ranges and columns of a result."""
    instance = odps.execute_sql(f"SELECT * FROM {filled} ORDER BY a")
    session = InstanceTunnel(odps).create_download_session(instance)
    with session.open_record_reader(1, 1, columns=["ds", "a"]) as reader:
        assert [dict(record) for record in reader] == [{"ds": "p", "a": 2}]


def test_columns_that_are_not_there_are_refused(odps: ODPS, filled: str) -> None:
    """An unknown column is InvalidColumnSpec with its name."""
    session = TableTunnel(odps).create_download_session(filled, partition_spec="ds=p")
    with pytest.raises(errors.ODPSError, match="nowhere") as caught:
        session._build_input_stream(0, 2, columns=["nowhere"])
    assert caught.value.code == "InvalidColumnSpec"


@pytest.mark.parametrize("kind", ["streams", "upserts"])
def test_other_tunnels_are_not_implemented(odps: ODPS, make_table: MakeTable, name: str, kind: str) -> None:
    """Stream and upsert sessions answer NotImplemented at once."""
    keyed: dict[str, Any] = {"transactional": True, "primary_key": "k"} if kind == "upserts" else {}
    make_table("k bigint not null, v string", **keyed)
    tunnel = TableTunnel(odps)
    create = tunnel.create_upsert_session if kind == "upserts" else tunnel.create_stream_upload_session
    with pytest.raises(errors.ODPSError) as caught:
        create(name)
    assert caught.value.code == "NotImplemented"
