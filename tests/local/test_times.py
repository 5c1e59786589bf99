"""Times of the service's whole range, the year 1 to the year 9999, in records, Arrow, SQL and CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.wire.arrays import build_array, raw_values
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder, RecordEncoder
from airflow_provider_kafka_odps.local.wire.timestamps import FIRST_SECOND, LAST_SECOND, NANOS
from airflow_provider_kafka_odps.local.wire.types import parse_type

MakeTable = Callable[..., Any]
COLUMNS = "k bigint, d date, dt datetime, ts timestamp, n timestamp_ntz"
FIRST = (0, dt.date(1, 1, 1), dt.datetime(1, 1, 1), pd.Timestamp("0001-01-01 00:00:00.000001"))  # noqa: DTZ001
GREGORIAN = (1, dt.date(1582, 10, 15), dt.datetime(1582, 10, 4, 23, 59, 59), pd.Timestamp("1582-10-04 23:59:59"))  # noqa: DTZ001
NOW = (2, dt.date(2026, 11, 22), dt.datetime(2026, 11, 22, 1), pd.Timestamp("2026-11-22 01:02:03.123456789"))  # noqa: DTZ001
LAST = (3, dt.date(9999, 12, 31), dt.datetime(9999, 12, 31, 23, 59, 59), pd.Timestamp("9999-12-31 23:59:59.999999"))  # noqa: DTZ001
TEXTS = ["0001-01-01 00:00:00.000001000", "1582-10-04 23:59:59.000000000", "9999-12-31 23:59:59.999999000"]
ROWS = [[*row, row[-1]] for row in (FIRST, GREGORIAN, NOW, LAST)]


@pytest.fixture(autouse=True)
def _antique() -> Iterator[None]:
    """Let PyODPS write times before 1928."""
    options.allow_antique_date = True
    yield
    options.allow_antique_date = False


@pytest.fixture
def filled(odps: ODPS, make_table: MakeTable, name: str) -> str:
    """Return a table with one row of each kind of time, written as records."""
    make_table(COLUMNS)
    odps.write_table(name, ROWS)
    return name


def select(odps: ODPS, text: str, **arguments: Any) -> list[list[Any]]:
    """Return the rows of a query."""
    with odps.execute_sql(text).open_reader(**arguments) as reader:
        return [record.values for record in reader]


def test_records_carry_every_day_and_every_second(odps: ODPS, filled: str) -> None:
    """What is written as records is read back as it was."""
    session = TableTunnel(odps).create_download_session(filled)
    with session.open_record_reader(0, 4, columns=["k", "d", "dt"]) as reader:
        assert [record.values for record in reader] == [row[:3] for row in ROWS]


@given(st.lists(st.integers(FIRST_SECOND * NANOS, (LAST_SECOND + 1) * NANOS - 1)))
def test_record_bodies_carry_every_nanosecond(moments: list[int]) -> None:
    """A TIMESTAMP of any year comes through a record body as it was; PyODPS itself reads 1677 to 2262 only."""
    column = parse_type("timestamp")
    arrays = [build_array([moment], column) for moment in moments]
    batches = [pa.RecordBatch.from_arrays([array], names=["ts"]) for array in arrays]
    body = b"".join(RecordEncoder([column]).encode(iter(batches)))
    seen: list[pa.RecordBatch] = []
    decoder = RecordDecoder([("ts", column)], seen.append)
    decoder.feed(body)
    decoder.close()
    assert [value for batch in seen for value in raw_values(batch.column(0), column)] == moments


def test_queries_carry_every_time(odps: ODPS, filled: str) -> None:
    """Queries compare, compute and return times of every year; beyond 1677 to 2262 in microseconds."""
    early = f"SELECT k, ts FROM {filled} WHERE ts < CAST('1700-01-01 00:00:00' AS TIMESTAMP) ORDER BY ts"
    assert select(odps, early, tunnel=False) == [["0", TEXTS[0]], ["1", TEXTS[1]]]
    assert select(odps, f"SELECT MIN(dt), MAX(d), YEAR(MIN(ts)) FROM {filled}") == [[FIRST[2], LAST[1], 1]]
    assert select(odps, f"SELECT ts FROM {filled} WHERE k = 2") == [[NOW[3].floor("us")]]
    assert select(odps, "SELECT CAST('0001-01-01 00:00:00' AS TIMESTAMP)", tunnel=False) == [
        ["0001-01-01 00:00:00.000000000"]
    ]


def test_queries_of_this_age_have_nanoseconds(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """When all values fit nothing is cut off, whether they came as records or from a query."""
    make_table(COLUMNS)
    odps.write_table(name, ROWS[2:3])
    odps.execute_sql(f"INSERT INTO {name} SELECT k + 1, d, dt, ts, n FROM {name}")
    assert select(odps, f"SELECT ts, n FROM {name}") == [ROWS[2][3:]] * 2


def test_inserts_carry_every_time(odps: ODPS, filled: str, name: str) -> None:
    """INSERT … SELECT and VALUES, and CREATE TABLE AS, keep times of every year."""
    odps.execute_sql(f"CREATE TABLE {name}_copy AS SELECT * FROM {filled}")
    odps.execute_sql(f"INSERT INTO {name}_copy VALUES (4, DATE'0001-01-01', NULL, '0001-01-01 00:00:00', NULL)")
    assert select(odps, f"SELECT d, dt FROM {name}_copy ORDER BY k") == [*(row[1:3] for row in ROWS), [FIRST[1], None]]
    texts = select(odps, f"SELECT ts, n FROM {name}_copy WHERE k <> 2 ORDER BY k", tunnel=False)
    assert texts == [*([text, text] for text in TEXTS), ["0001-01-01 00:00:00.000000000", None]]


def test_csv_shows_every_time(odps: ODPS, filled: str) -> None:
    """Results as text write years with four digits."""
    texts = select(odps, f"SELECT d, dt, ts FROM {filled} WHERE k IN (0, 3) ORDER BY k", tunnel=False)
    assert texts == [
        ["0001-01-01", "0001-01-01 00:00:00", "0001-01-01 00:00:00.000001000"],
        ["9999-12-31", "9999-12-31 23:59:59", "9999-12-31 23:59:59.999999000"],
    ]


def test_arrow_carries_every_day_and_every_millisecond(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """DATE and DATETIME of every year go through Arrow both ways, TIMESTAMP those that nanoseconds hold."""
    make_table("d date, dt datetime, ts timestamp")
    rows = pa.table(
        {
            "d": [FIRST[1], LAST[1]],
            "dt": pa.array([-62_135_596_800_000, 253_402_300_799_999], pa.timestamp("ms")),
            "ts": pa.array([-(2**63) + 1, 2**63 - 1], pa.timestamp("ns")),
        }
    )
    odps.write_table(name, rows)
    session = TableTunnel(odps).create_download_session(name)
    with session.open_arrow_reader(0, session.count) as reader:
        read = reader.read().combine_chunks()
    assert read.column("d").to_pylist() == [FIRST[1], LAST[1]]
    for column in ("dt", "ts"):
        assert read.column(column).cast(pa.int64()).to_pylist() == rows.column(column).cast(pa.int64()).to_pylist()


def test_arrow_of_a_table_refuses_what_it_cannot_carry(odps: ODPS, filled: str) -> None:
    """An Arrow download of a time beyond nanoseconds is refused with the way out; other columns are readable."""
    session = TableTunnel(odps).create_download_session(filled)
    with (
        pytest.raises(errors.InvalidArgument, match=r"1677 to 2262.*read records"),
        session.open_arrow_reader(0, 4) as reader,
    ):
        reader.read()
    with session.open_arrow_reader(0, 4, columns=["k", "d"]) as reader:
        assert reader.read().column("d").to_pylist() == [row[1] for row in ROWS]


def test_times_outside_the_years_are_refused(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """A block with a time outside the years 1 to 9999 is refused whole."""
    make_table("dt datetime")
    session = TableTunnel(odps).create_upload_session(name)
    writer = session.open_arrow_writer(0)
    writer.write(pa.table({"dt": pa.array([253_402_300_800_000], pa.timestamp("ms"))}))
    with pytest.raises(errors.ODPSError, match="column dt is datetime, but a value is outside the years 1 to 9999"):
        writer.close()
    session.reload()
    assert not session.blocks
