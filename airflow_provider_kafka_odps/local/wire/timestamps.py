"""TIMESTAMP values outside 1677 to 2262, where Arrow's nanoseconds end: seconds and nanoseconds as a struct."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

NANOS = 1_000_000_000


PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": NANOS}
"""How many ticks a second has, by the unit of an Arrow type."""


WIDE = pa.struct([("sec", pa.int64()), ("nano", pa.int32())])
"""Seconds since the epoch and nanoseconds, which are positive; as INTERVAL_DAY_TIME and query results have them."""


NARROW = pa.timestamp("ns")


MICROS = pa.timestamp("us", tz="UTC")


FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""The year 1 to the year 9999, the range of the service."""


_FIRST_NARROW, _LAST_NARROW = -9_223_372_036, 9_223_372_035


_KINDS = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMP_NTZ})


Column: TypeAlias = pa.Array | pa.ChunkedArray


def is_timestamp(column: ColumnType) -> bool:
    """Return whether values of this type may come as `WIDE` or as `NARROW`."""
    return column.kind in _KINDS


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _parts(column: Column) -> tuple[pa.Array, pa.Array]:
    array = _whole(column)
    return pc.struct_field(array, "sec"), pc.struct_field(array, "nano")


def widened(column: Column) -> pa.Array:
    """Return `NARROW` values as `WIDE` ones."""
    array = _whole(column)
    # Floored, so that the nanoseconds of a time before 1970 are positive too.
    seconds, rest = np.divmod(array.cast(pa.int64()).fill_null(0).to_numpy(), NANOS)
    fields = [pa.array(seconds, pa.int64()), pa.array(rest.astype("int32"), pa.int32())]
    return pa.StructArray.from_arrays(fields, fields=list(WIDE), mask=array.is_null())


def narrowed(column: Column) -> Column:
    """Return `WIDE` values as `NARROW` ones, or as they are when one of them is beyond that."""
    seconds, nanos = _parts(column)
    bounds = pc.min_max(seconds)
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    if least is not None and (least < _FIRST_NARROW or most > _LAST_NARROW):
        return column
    return pc.add(pc.multiply(seconds, NANOS), nanos.cast(pa.int64())).cast(NARROW)


def as_micros(column: Column) -> pa.Array:
    """Return values of either form in microseconds, the rest cut off."""
    array = _whole(column)
    if array.type == NARROW:
        return pc.floor_temporal(array, unit="microsecond").cast(pa.timestamp("us")).cast(MICROS)
    seconds, nanos = _parts(array)
    micros = pc.divide(nanos.cast(pa.int64()), 1000)
    return pc.add(pc.multiply(seconds, 1_000_000), micros).cast(MICROS)


def from_micros(column: Column) -> Column:
    """Return microseconds as `NARROW` values, or as `WIDE` ones when one of them is beyond that."""
    array = _whole(column)
    seconds, rest = np.divmod(array.cast(pa.int64()).fill_null(0).to_numpy(), 1_000_000)
    fields = [pa.array(seconds, pa.int64()), pa.array((rest * 1000).astype("int32"), pa.int32())]
    return narrowed(pa.StructArray.from_arrays(fields, fields=list(WIDE), mask=array.is_null()))


def timestamp_texts(column: Column) -> pa.Array:
    """Return values of either form as texts: 2026-11-22 10:00:00.123456789."""
    array = _whole(column)
    if array.type == NARROW:
        return pc.strftime(array, format="%Y-%m-%d %H:%M:%S")
    seconds, nanos = _parts(array)
    digits = pc.utf8_lpad(nanos.cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(
        pc.strftime(seconds.cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S"), digits, "."
    )


def from_pairs(pairs: list[tuple[int, int] | None]) -> Column:
    """Return (seconds, nanoseconds) as `NARROW` values, or as `WIDE` ones when one of them is beyond that.

    Raises ValueError for one outside the years 1 to 9999.
    """
    far = [pair for pair in pairs if pair is not None and not FIRST_SECOND <= pair[0] <= LAST_SECOND]
    if far:
        raise ValueError(f"{far[0][0]} seconds since 1970 are outside the years 1 to 9999")
    rows = [None if pair is None else {"sec": pair[0], "nano": pair[1]} for pair in pairs]
    return narrowed(pa.array(rows, WIDE))
