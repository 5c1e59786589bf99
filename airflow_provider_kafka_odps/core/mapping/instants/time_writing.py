"""Times become texts of a pattern, in whole columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.instants.clocks import DAY_MILLIS, Millis
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import OFFSETS, WIDTHS, TimePattern

Octets = npt.NDArray[np.uint8]
_ZERO = np.uint8(ord("0"))


def write_times(local: Millis, nanos: Millis, offset: Millis, pattern: TimePattern) -> pa.Array:
    """Return texts of one length each.

    ``local`` is what the clock shows, ``nanos`` what is smaller than a millisecond, ``offset`` by how many milliseconds
    the clock is ahead of UTC.
    """
    unit = unit_of(pattern)
    if unit > 1:
        # Of all times of a day, an hour or a second, one text is written.
        slots = pa.array(local // unit).dictionary_encode()
        starts = slots.dictionary.to_numpy() * unit
        return _written_all(starts, np.zeros(len(starts), np.int64), offset, pattern).take(slots.indices)
    return _written_all(local, nanos, offset, pattern)


def unit_of(pattern: TimePattern) -> int:
    """Return the milliseconds, from a multiple of them on, in which all texts of a pattern are the same; 1: in none."""
    letters = {each[0] for each in pattern.letters}
    if letters & {"S", "X"}:
        return 1
    return next((unit for letter, unit in _UNITS.items() if letter in letters), DAY_MILLIS)


_UNITS = {"s": 1000, "m": 60_000, "H": 3_600_000}


def _written_all(local: Millis, nanos: Millis, offset: Millis, pattern: TimePattern) -> pa.Array:
    numbers = _numbers(local, nanos, pattern.fraction)
    parts = [_written(letters, text, numbers, offset, len(local)) for letters, text in pattern.parts]
    matrix = np.concatenate(parts, axis=1)
    ends = np.arange(len(local) + 1, dtype=np.int32) * np.int32(matrix.shape[1])
    return pa.StringArray.from_buffers(len(local), pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(matrix)))


def _numbers(local: Millis, nanos: Millis, digits: int) -> dict[str, Millis]:
    days = local // DAY_MILLIS
    within = local - days * DAY_MILLIS
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    months = month.astype(np.int64)
    return {
        "y": months // 12 + 1970,
        "M": months % 12 + 1,
        "d": days - month.astype("datetime64[D]").astype(np.int64) + 1,
        "H": within // 3_600_000,
        "m": within // 60_000 % 60,
        "s": within // 1000 % 60,
        "S": (within % 1000 * 10**6 + nanos) // 10 ** (9 - digits),
    }


def _written(letters: str, text: str, numbers: dict[str, Millis], offset: Millis, rows: int) -> Octets:
    if not letters:
        return np.tile(np.frombuffer(text.encode(), np.uint8), (rows, 1))
    if letters in OFFSETS:
        return _offset(offset, ":" if letters == "XXX" else "", rows)
    return _digits(numbers[letters[0]], WIDTHS.get(letters, len(letters)))


def _digits(number: Millis, width: int) -> Octets:
    places = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (number[:, None] // places % 10).astype(np.uint8) + _ZERO


def _offset(offset: Millis, colon: str, rows: int) -> Octets:
    sign = np.where(offset < 0, ord("-"), ord("+")).astype(np.uint8)[:, None]
    minutes = np.abs(offset) // 60_000
    between = np.tile(np.frombuffer(colon.encode(), np.uint8), (rows, 1))
    return np.concatenate([sign, _digits(minutes // 60, 2), between, _digits(minutes % 60, 2)], axis=1)
