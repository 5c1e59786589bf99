"""Texts of dates and times, and instants, as columns of DATE, DATETIME, TIMESTAMP and TIMESTAMP_NTZ."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.instants.clocks import DAY_MILLIS, FIRST_MILLI, LAST_MILLI
from airflow_provider_kafka_odps.core.mapping.strict import Checked, Conversion, shown
from airflow_provider_kafka_odps.core.table.types import OdpsType

_DAY = r"-[0-9]{2}-[0-9]{2}"


_TIME = r"[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"


_ZONE = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"


# The years that nanoseconds since 1970 reach in 64 bits, which is how tunnel blocks carry them.
_YEAR = r"(?:1(?:67[7-9]|6[89][0-9]|[7-9][0-9]{2})|2(?:[01][0-9]{2}|2[0-5][0-9]|26[0-2]))"


_NANOS = r"(?:\.[0-9]{1,9})?"


_PATTERNS = {
    "date": (f"^[0-9]{{4}}{_DAY}$", "such as 2026-11-22"),
    "datetime": (
        rf"^[0-9]{{4}}{_DAY}{_TIME}(?:\.[0-9]{{1,3}}0*)?{_ZONE}$",
        "such as 2026-11-22T10:00:00.123Z: at most milliseconds, with Z or an offset",
    ),
    "timestamp": (
        f"^{_YEAR}{_DAY}{_TIME}{_NANOS}{_ZONE}$",
        "such as 2026-11-22T10:00:00.123456789Z: with Z or an offset, 1677 to 2262",
    ),
    "timestamp_ntz": (
        f"^{_YEAR}{_DAY}{_TIME}{_NANOS}$",
        "such as 2026-11-22T10:00:00.123456789: without an offset, 1677 to 2262",
    ),
}


def moment_conversion(target: OdpsType) -> Conversion:
    """Return how texts become dates or times of this type; see ``text_conversions``."""
    pattern, example = _PATTERNS[target.name]
    arrow = target.arrow

    def convert(values: pa.Array) -> pa.Array:
        if pc.any(pc.invert(pc.match_substring_regex(values, pattern))).as_py():
            raise pa.ArrowInvalid("some texts are no such moment")
        match target.name:
            case "date":
                return _within(values.cast(arrow), pa.int32(), FIRST_MILLI // DAY_MILLIS, LAST_MILLI // DAY_MILLIS)
            case "datetime":
                # Arrow takes no more digits than the type has, not even noughts.
                short = pc.replace_substring_regex(values, r"(\.[0-9]{3})0+", r"\1")
                return _within(short.cast(pa.timestamp("ms", "UTC")), pa.int64(), FIRST_MILLI, LAST_MILLI).cast(arrow)
            case "timestamp":
                return values.cast(pa.timestamp("ns", "UTC")).cast(arrow)
            case _:
                return values.cast(arrow)

    def unfit(values: pa.Array) -> pa.Array:
        return pc.invert(pc.match_substring_regex(values, pattern))

    return Checked(convert, unfit, lambda value: f"{shown(value)} is no {target} {example}")


def _within(moments: pa.Array, number: pa.DataType, low: int, high: int) -> pa.Array:
    numbers = moments.cast(number)
    if pc.any(pc.or_(pc.less(numbers, low), pc.greater(numbers, high))).as_py():
        raise pa.ArrowInvalid("some moments are not within the years 1 to 9999")
    return moments


def instant_conversion(target: OdpsType) -> Conversion | None:
    """Return how instants in milliseconds become a column of this type, or None where they would be altered."""
    arrow = target.arrow

    def convert(values: pa.Array) -> pa.Array:
        millis = values.cast(pa.int64())
        match target.name:
            case "bigint":
                return millis
            case "string":
                return millis.cast(pa.string())
            case _:
                within = _within(millis, pa.int64(), FIRST_MILLI, LAST_MILLI)
                return within.cast(pa.timestamp("ms")).cast(arrow)

    def unfit(values: pa.Array) -> pa.Array:
        millis = values.cast(pa.int64())
        low, high = FIRST_MILLI, LAST_MILLI
        if target.name == "timestamp":
            low, high = -(2**63) // 1_000_000 + 1, (2**63 - 1) // 1_000_000
        return pc.or_(pc.less(millis, low), pc.greater(millis, high))

    if target.name not in ("bigint", "string", "datetime", "timestamp"):
        return None
    return Checked(convert, unfit, lambda value: f"{value} is no instant that {target} holds")


def nanos_conversion(target: OdpsType) -> Conversion | None:
    """Return how instants in nanoseconds become a column of this type, or None where they would be altered."""
    arrow = target.arrow
    if target.name not in ("datetime", "timestamp"):
        return None

    def convert(values: pa.Array) -> pa.Array:
        # Raises ArrowInvalid where something smaller than a millisecond would be lost.
        return values.cast(pa.timestamp(arrow.unit, "UTC")).cast(arrow)

    def unfit(values: pa.Array) -> pa.Array:
        return pc.not_equal(pc.floor_temporal(values, unit="millisecond"), values)

    return Checked(
        convert, unfit, lambda value: f"{value} ns after 1970 are no whole milliseconds, as {target} holds them"
    )
