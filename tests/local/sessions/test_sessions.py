"""Upload and download sessions through PyODPS: blocks, commits, status, errors, encodings."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import CompressOption, TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

MakeTable = Callable[..., Any]


def read(odps: ODPS, name: str, **arguments: Any) -> list[list[Any]]:
    """Return all rows of a table."""
    with odps.get_table(name).open_reader(**arguments) as reader:
        return [record.values for record in reader]


def write(session: Any, block_id: int, rows: list[list[Any]]) -> None:
    """Write one block of records."""
    with session.open_record_writer(block_id) as writer:
        for row in rows:
            record = session.new_record(row)
            writer.write(record)


@pytest.fixture
def tunnel(odps: ODPS) -> TableTunnel:
    """Return PyODPS's tunnel client."""
    return TableTunnel(odps)


def test_rows_are_visible_all_at_once_after_the_commit(
    odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str
) -> None:
    """Blocks stay invisible until the commit, and come in the order of their numbers."""
    make_table("k bigint")
    session = tunnel.create_upload_session(name)
    write(session, 7, [[2], [3]])
    write(session, 0, [[1]])
    assert read(odps, name) == []
    session.commit([0, 7])
    assert read(odps, name) == [[1], [2], [3]]


def test_another_client_attaches_and_writes_on(
    odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str
) -> None:
    """A session is found by its id, with its blocks; whoever attached may write and commit."""
    make_table("k bigint")
    session = tunnel.create_upload_session(name)
    write(session, 0, [[1]])
    other = TableTunnel(odps).create_upload_session(name, upload_id=session.id)
    write(other, 1, [[2]])
    other.commit([0, 1])
    session.reload()
    assert session.status == session.Status.Closed
    assert read(odps, name) == [[1], [2]]


def test_a_block_written_again_replaces_the_first(
    odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str
) -> None:
    """Of two writes of one block the last one counts."""
    make_table("k bigint")
    session = tunnel.create_upload_session(name)
    write(session, 0, [[1], [2]])
    write(session, 0, [[3]])
    session.commit([0])
    assert read(odps, name) == [[3]]


def test_a_second_commit_conflicts_and_changes_nothing(
    odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str
) -> None:
    """After the commit the session is CLOSED and readable; a commit or a block is then a StatusConflict."""
    make_table("k bigint")
    session = tunnel.create_upload_session(name)
    write(session, 0, [[1]])
    session.commit([0])
    with pytest.raises(errors.ODPSError) as caught:
        session.commit([0])
    assert caught.value.code == "StatusConflict"
    with pytest.raises(errors.ODPSError) as caught:
        write(session, 1, [[2]])
    assert caught.value.code == "StatusConflict"
    session.reload()
    assert session.status == session.Status.Closed
    assert read(odps, name) == [[1]]


def test_an_overwrite_session_replaces_its_partition_only(
    odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str
) -> None:
    """Overwriting one partition exchanges its rows and leaves the others."""
    make_table(("k bigint", "ds string"))
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds) VALUES (1, 'a'), (2, 'b')")
    session = tunnel.create_upload_session(name, partition_spec="ds=a", overwrite=True)
    write(session, 0, [[9]])
    session.commit([0])
    assert read(odps, name, partition="ds=a") == [[9, "a"]]
    assert read(odps, name, partition="ds=b") == [[2, "b"]]


@pytest.mark.parametrize(
    ("spec", "code"),
    [(None, "MissingPartitionSpec"), ("ds=x", "NoSuchPartition"), ("ds=a,hh=1", "InvalidPartitionSpec")],
)
def test_a_wrong_partition_has_its_own_code(
    tunnel: TableTunnel, make_table: MakeTable, name: str, spec: str | None, code: str
) -> None:
    """A session for a partition that is missing, unnamed or badly named is refused with the service's code."""
    make_table(("k bigint", "ds string"))
    with pytest.raises(errors.ODPSError) as caught:
        tunnel.create_upload_session(name, partition_spec=spec)
    assert caught.value.code == code


def test_a_plain_table_takes_no_partition(tunnel: TableTunnel, make_table: MakeTable, name: str) -> None:
    """A partition spec for a table without partitions is an InvalidPartitionSpec."""
    make_table("k bigint")
    with pytest.raises(errors.ODPSError) as caught:
        tunnel.create_upload_session(name, partition_spec="ds=x")
    assert caught.value.code == "InvalidPartitionSpec"


def test_unknown_sessions_and_blocks_have_their_codes(tunnel: TableTunnel, make_table: MakeTable, name: str) -> None:
    """NoSuchUpload, NoSuchDownload and InvalidBlockID say what is wrong."""
    make_table("k bigint")
    with pytest.raises(errors.ODPSError) as caught:
        tunnel.create_upload_session(name, upload_id="nothing")
    assert caught.value.code == "NoSuchUpload"
    with pytest.raises(errors.ODPSError) as caught:
        tunnel.create_download_session(name, download_id="nothing")
    assert caught.value.code == "NoSuchDownload"
    session = tunnel.create_upload_session(name)
    with pytest.raises(errors.ODPSError) as caught:
        write(session, 20_000, [[1]])
    assert caught.value.code == "InvalidBlockID"
    write(session, 19_999, [[1]])
    session.commit([19_999])


def test_a_download_is_a_snapshot(odps: ODPS, tunnel: TableTunnel, make_table: MakeTable, name: str) -> None:
    """A download session gives the rows that were there when it began, whatever is overwritten meanwhile."""
    make_table("k bigint")
    odps.write_table(name, [[1], [2], [3]])
    session = tunnel.create_download_session(name)
    odps.execute_sql(f"INSERT OVERWRITE TABLE {name} VALUES (9)")
    again = tunnel.create_download_session(name, download_id=session.id)
    assert again.count == 3
    with again.open_record_reader(1, 2) as reader:
        assert [record[0] for record in reader] == [2, 3]


ALGORITHMS = [None, "zlib", "zstd", "lz4", "snappy"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("arrow", [False, True])
def test_every_encoding_carries_rows_both_ways(
    tunnel: TableTunnel, make_table: MakeTable, name: str, algorithm: str | None, *, arrow: bool
) -> None:
    """Records and Arrow, packed in each way, come back as they were sent."""
    make_table("k bigint, v string")
    option = CompressOption(algorithm) if algorithm else None
    session = tunnel.create_upload_session(name, compress_option=option)
    rows = [[k, f"value {k}" * 20 if k % 3 else None] for k in range(5000)]
    if arrow:
        with session.open_arrow_writer(0, compress=bool(algorithm)) as writer:
            writer.write(pa.table({"k": [k for k, _ in rows], "v": [v for _, v in rows]}))
    else:
        with session.open_record_writer(0, compress=bool(algorithm)) as writer:
            for row in rows:
                record = session.new_record(row)
                writer.write(record)
    session.commit([0])
    download = tunnel.create_download_session(name, compress_option=option)
    with download.open_record_reader(10, 200, compress=bool(algorithm)) as reader:
        assert [record.values for record in reader] == rows[10:210]
    with download.open_arrow_reader(0, 5000, compress=bool(algorithm)) as reader:
        assert reader.read().to_pydict() == {"k": [k for k, _ in rows], "v": [v for _, v in rows]}


ALL_TYPES = (
    "a tinyint, b smallint, c int, d bigint, e float, f double, g boolean, h string, i binary, j date, k datetime, "
    "l timestamp, m decimal(10,2), n decimal, o varchar(10), p char(5), q array<bigint>, r map<string,double>, "
    "s struct<x:bigint,y:array<string>>, t timestamp_ntz"
)


def test_every_type_comes_back_as_it_was_sent(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """A record with every type, and one of NULLs, survive the round trip."""
    import pandas as pd

    make_table(ALL_TYPES)
    row = [-128, -5, 2**31 - 1, -(2**63), 1.5, -2.25, True, "Grüße", b"\xff\x00", dt.date(1900, 1, 2)]
    row += [dt.datetime(2026, 11, 22, 10, 11, 12, 345000), pd.Timestamp("1969-12-31 23:59:59.999999999")]  # noqa: DTZ001
    row += [Decimal("-12345678.90"), Decimal("1234567890123456789012345678.000000000000000001"), "varchar", "abc  "]
    row += [[1, None, -3], {"a": 1.5, "b": None}, (4, ["p", None]), pd.Timestamp("2026-11-22 10:11:12.123456789")]
    odps.write_table(name, [row, [None] * 20])
    back, nulls = read(odps, name)
    assert nulls == [None] * 20
    assert [*back[:13]] == row[:13]
    assert back[13] == row[13]
    assert [b.rstrip() if i == 15 else b for i, b in enumerate(back)][14:18] == ["varchar", "abc", *row[16:18]]
    assert tuple(back[18]) == (4, ["p", None])
    assert back[19] == row[19]


PURE_PYTHON = """
import sys
import pyarrow as pa
compiled = ("src.types_c", "src.utils_c", "src.crc32c_c", "tunnel.checksum_c", "tunnel.hasher_c")
compiled += ("tunnel.pb.decoder_c", "tunnel.pb.encoder_c", "tunnel.io.reader_c", "tunnel.io.writer_c")
sys.modules.update({"odps." + name: None for name in compiled})
from odps import ODPS, options
options.local_timezone = False
endpoint, project, access_id, access_key, name = sys.argv[1:]
odps = ODPS(access_id, access_key, project, endpoint, overwrite_global=False)
with odps.get_table(name).open_writer() as out:
    out.write([[2, "pure", None, None]])
with odps.get_table(name).open_reader() as rows:
    print(sorted(record[0] for record in rows))
from odps.tunnel import CompressOption, TableTunnel
for algorithm in CompressOption.CompressAlgorithm:
    packing = {"compress_option": CompressOption(algorithm)}
    session = TableTunnel(odps).create_upload_session(name, overwrite=True, **packing)
    with session.open_record_writer(0, compress=True) as out:
        out.write(session.new_record([3, "records", None, None]))
    with session.open_arrow_writer(1, compress=True) as out:
        out.write(pa.table({"k": [4], "v": ["arrow"], "d": pa.nulls(1), "x": pa.nulls(1)}))
    session.commit([0, 1])
    session = TableTunnel(odps).create_download_session(name, **packing)
    with session.open_record_reader(0, 2, compress=True) as rows:
        by_record = [record[1] for record in rows]
    with session.open_arrow_reader(0, 2, compress=True) as rows:
        by_arrow = rows.read().column("v").to_pylist()
    assert by_record == by_arrow == ["records", "arrow"], (algorithm, by_record, by_arrow)
"""


def test_pure_python_clients_read_and_write_the_same(
    odps: ODPS, endpoint: RunningEndpoint, make_table: MakeTable, name: str
) -> None:
    """PyODPS without its compiled codec, chosen when it is imported, writes and reads the same, however packed."""
    make_table("k bigint, v string, d datetime, x decimal(5,1)")
    odps.write_table(name, [[1, "v", dt.datetime(2020, 2, 3), Decimal("1.5")]])  # noqa: DTZ001
    where = [endpoint.endpoint, endpoint.project, endpoint.access_id, endpoint.access_key, name]
    done = subprocess.run([sys.executable, "-c", PURE_PYTHON, *where], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[1, 2]", 0), done.stderr
    assert read(odps, name) == [[3, "records", None, None], [4, "arrow", None, None]]


def test_a_session_makes_its_partition_when_it_is_asked_to(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """create_partition creates what is missing and leaves what is there; without it the partition must exist."""
    table = make_table(("k bigint", "ds string"))
    tunnel = TableTunnel(odps)
    with pytest.raises(errors.NoSuchPartition):
        tunnel.create_upload_session(name, partition_spec="ds=new")
    for number in (1, 2):
        session = tunnel.create_upload_session(name, partition_spec="ds=new", create_partition=True)
        with session.open_record_writer(0) as writer:
            writer.write(session.new_record([number]))
        session.commit([0])
    assert [str(partition.partition_spec) for partition in table.partitions] == ["ds='new'"]
    assert [record[0] for record in odps.read_table(name, partition="ds=new")] == [1, 2]


def test_the_tunnel_is_found_by_asking(endpoint: RunningEndpoint, make_table: MakeTable, name: str) -> None:
    """A client that isn't told the tunnel's address learns it from the project."""
    make_table("k bigint")
    client = ODPS(endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, overwrite_global=False)
    client.write_table(name, [[1]])
    assert read(client, name) == [[1]]
