"""Rows as CSV: results without the tunnel, and the first rows of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.catalog.model import Column
from airflow_provider_kafka_odps.local.wire.timestamps import (
    FIRST_SECOND,
    LAST_SECOND,
    PER_SECOND,
    is_timestamp,
    timestamp_texts,
)
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

NULL = r"\N"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_DAY = 24 * 60 * 60


_SHOWN_FIRST, _SHOWN_LAST = 0x20, 0x7E


def csv_text(columns: Sequence[Column], batches: Iterable[pa.RecordBatch], zone: str = "") -> str:
    """Return rows as CSV with a header line; NULL is a backslash and an N, nested values are like JSON.

    DATETIME and TIMESTAMP are by the clock of `zone`, empty for UTC.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([column.name for column in columns])
    for batch in batches:
        cells = (_cells(array, column.type, zone) for array, column in zip(batch.columns, columns, strict=True))
        rows.writerows(zip(*cells, strict=True))
    return text.getvalue()


def _cells(array: pa.Array, column: ColumnType, zone: str) -> list[str]:
    if zone and column.kind in (Kind.DATETIME, Kind.TIMESTAMP):
        array = _by_clock(array, ZoneInfo(zone))
    if is_timestamp(column):
        return [NULL if value is None else value for value in timestamp_texts(array).to_pylist()]
    if pa.types.is_nested(array.type):
        return [_nested(value, column) for value in array.to_pylist()]
    if column.kind is Kind.DATETIME:
        # strftime writes the fraction of seconds too; DATETIME results show none.
        written = pc.strftime(array, format="%Y-%m-%d %H:%M:%S")
        array = pc.replace_substring_regex(written, pattern=r"\.\d+$", replacement="")
    elif pa.types.is_binary(array.type) or pa.types.is_string(array.type):
        # Not every STRING is UTF-8: the tunnel takes any bytes.
        return [NULL if value is None else _read(value) for value in array.cast(pa.binary()).to_pylist()]
    elif column.kind is Kind.BOOLEAN:
        array = array.cast(pa.string())
    return [NULL if value is None else str(value) for value in array.to_pylist()]


def _by_clock(array: pa.Array, zone: ZoneInfo) -> pa.Array:
    if pa.types.is_struct(array.type):
        seconds = _moved(array.field("sec"), 1, zone)
        return pa.StructArray.from_arrays([seconds, array.field("nano")], fields=list(array.type), mask=array.is_null())
    return _moved(array.cast(pa.int64()), PER_SECOND[array.type.unit], zone).cast(array.type)


def _moved(ticks: pa.Array, per_second: int, zone: ZoneInfo) -> pa.Array:
    moved = (
        None if tick is None else tick + _offset(tick // per_second, zone) * per_second for tick in ticks.to_pylist()
    )
    return pa.array(moved, pa.int64())


def _offset(second: int, zone: ZoneInfo) -> int:
    # Beyond the first and the last year of Python's calendar the clock is what it was a day before.
    inside = min(max(second, FIRST_SECOND + _DAY), LAST_SECOND - _DAY)
    away = (_EPOCH + timedelta(seconds=inside)).astimezone(zone).utcoffset()
    return 0 if away is None else int(away.total_seconds())


def _read(value: bytes) -> str:
    """Return a text, or what isn't one as the service shows it: quoted-printable, in one line."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "".join(
            chr(byte) if _SHOWN_FIRST <= byte <= _SHOWN_LAST and byte != ord("=") else f"={byte:02X}" for byte in value
        )


def _nested(value: Any, column: ColumnType) -> str:
    if value is None:
        return NULL
    match column.kind:
        case Kind.ARRAY | Kind.VECTOR:
            return f"[{', '.join(_nested(part, column.parts[0][1]) for part in value)}]"
        case Kind.MAP:
            pairs = (
                ":".join(_nested(part, kind) for part, (_, kind) in zip(pair, column.parts, strict=True))
                for pair in value
            )
            return f"{{{', '.join(pairs)}}}"
        case Kind.STRUCT:
            return f"{{{', '.join(f'{name}:{_nested(value[name], kind)}' for name, kind in column.parts)}}}"
        case Kind.STRING | Kind.CHAR | Kind.VARCHAR | Kind.JSON:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case Kind.BOOLEAN:
            return str(value).lower()
        case _:
            return str(value)
