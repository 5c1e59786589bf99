"""Texts of times, some with an offset and some without, which are meant by the clock of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.instants.clocks import DAY_MILLIS, ZoneClock, within_calendar
from airflow_provider_kafka_odps.core.mapping.instants.time_columns import InPattern, to_days, to_millis, to_nanos
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.core.mapping.strict import Always, Chained, Checked, Conversion, Prepared, Routed
from airflow_provider_kafka_odps.core.table.types import OdpsType

# To the second, with or without a fraction, and no offset behind it.
_WITHOUT_OFFSET = r"^[^ T]{10}[ T][^ T]{8}(?:\.[0-9]{1,9})?$"
_SECONDS = len("2026-11-22T10:00:00")
_MOST_DIGITS = {"datetime": 3, "timestamp": 9}
_DAYS = {len("2026-11-22"): "yyyy-MM-dd", len("20261122"): "yyyyMMdd"}


def by_clock(target: OdpsType, zone: ZoneInfo, strict: Conversion, *, days: bool) -> Conversion:
    """Return the conversion to DATETIME or TIMESTAMP that reads texts without an offset by the clock of a zone.

    ``days``: also those without a time, as midnight. All others are left to ``strict``.
    """
    clock = ZoneClock(zone)
    most = _MOST_DIGITS[target.name]
    patterns = ["yyyy-MM-dd'T'HH:mm:ss" + (f".{'S' * digits}" if digits else "") for digits in range(most + 1)]
    readers = [_read(pattern, clock, target) for pattern in (*patterns, *_DAYS.values())]
    # A blank may stand for the T, as it may where there is an offset.
    spelled = [Prepared(_with_t, reader) for reader in readers[: len(patterns)]] + readers[len(patterns) :]
    # Digits that say nothing may stand behind those that a column holds, as they may where there is an offset.
    longer = Prepared(_shortened, spelled[most])
    last = list(_DAYS) if days else []

    def route(texts: pa.Array) -> npt.NDArray[np.int64]:
        lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy().astype(np.int64)
        local = pc.fill_null(pc.match_substring_regex(texts, _WITHOUT_OFFSET), fill_value=False)
        digits = np.maximum(lengths - _SECONDS - 1, 0)
        by_digits = np.where(digits <= most, digits + 1, len(spelled) + 1)
        chosen = np.where(local.to_numpy(zero_copy_only=False), by_digits, 0)
        for number, length in enumerate(last):
            chosen[lengths == length] = len(patterns) + number + 1
        return chosen

    return Routed(route, (strict, *spelled, longer))


def dates(strict: Conversion) -> Conversion:
    """Return the conversion to DATE that also takes ``20261122``, and ``2026-11-22 10:00:00`` without its time."""
    readers: Sequence[Conversion] = [_date(pattern) for pattern in ("yyyyMMdd", "yyyy-MM-dd'T'HH:mm:ss")]

    def route(texts: pa.Array) -> npt.NDArray[np.int64]:
        lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
        chosen: npt.NDArray[np.int64] = np.select([lengths == len("20261122"), lengths == _SECONDS], [1, 2], 0)
        return chosen

    return Routed(route, (strict, readers[0], Prepared(_with_t, readers[1])))


def days_of_millis(zone: ZoneInfo) -> Conversion:
    """Return the conversion of milliseconds since 1970 to the day that the clock of a zone shows."""
    clock = ZoneClock(zone)

    def convert(numbers: pa.Array) -> pa.Array:
        millis = pc.fill_null(numbers, 0).to_numpy()
        local = clock.local(millis) if within_calendar(millis).all() else millis
        if not within_calendar(local).all():
            raise pa.ArrowInvalid("some days are not within the years 1 to 9999")
        days = (local // DAY_MILLIS).astype(np.int32)
        return pa.array(days, mask=pc.is_null(numbers).to_numpy(zero_copy_only=False)).cast(pa.date32())

    def unfit(numbers: pa.Array) -> pa.Array:
        return pa.array(~within_calendar(pc.fill_null(numbers, 0).to_numpy()))

    return Checked(convert, unfit, lambda value: f"{value} ms after 1970 are no day of the years 1 to 9999")


def _shortened(texts: pa.Array) -> pa.Array:
    """Return texts without the noughts behind three digits of a fraction."""
    return pc.replace_substring_regex(texts, r"(\.[0-9]{3})0+$", r"\1")


def _with_t(texts: pa.Array) -> pa.Array:
    return pc.replace_substring(texts, " ", "T", max_replacements=1)


def _read(pattern: str, clock: ZoneClock, target: OdpsType) -> Conversion:
    arrow = target.arrow
    become = to_millis if target.name == "datetime" else to_nanos
    read = InPattern(target.name, TimePattern.parse(pattern), lambda times: become(times, clock))
    return Chained(read, Always(lambda values: values.cast(pa.timestamp(arrow.unit)).cast(arrow)))


def _date(pattern: str) -> Conversion:
    return InPattern("date", TimePattern.parse(pattern), to_days)
