"""Texts in a pattern become times, and times texts: digits in columns, without a look at single texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import bytes_of
from airflow_provider_kafka_odps.core.mapping.instants.clocks import DAY_MILLIS, Millis, Where
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import OFFSETS, WIDTHS, TimePattern, regex_of

Digits = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int32] | npt.NDArray[np.uint8]
"""Of at most nine digits; of one and two in a byte."""
_SIGN_PLUS, _SIGN_MINUS = ord("+"), ord("-")
_ZERO, _NINE, _TEN = np.uint8(ord("0")), np.uint8(9), np.uint8(10)
_MOST_HOURS = 18
_RANGES = {"y": (1, 9999), "M": (1, 12), "d": (1, 31), "H": (0, 23), "m": (0, 59), "s": (0, 59)}
_NONE, _ONE = (np.full(1, number, np.int32) for number in (0, 1))
_OTHERWISE = {"y": np.full(1, 1970, np.int32), "M": _ONE, "d": _ONE}
"""What a pattern means that lacks a part; of others 0."""
# Wide enough for what a byte is multiplied to.
_SECOND, _MINUTE, _HOUR = np.int32(1000), np.int32(60_000), np.int32(3_600_000)
_END = 2**31
"""Behind the last character of any text."""


@dataclass(frozen=True, slots=True)
class Times:
    """What was read of texts, one row each."""

    millis: Millis
    """By the clock that the texts go by: since 1970, without what is smaller than a millisecond."""
    nanos: Millis
    """What is smaller than a millisecond, in nanoseconds."""
    offset: Millis
    """Milliseconds by which that clock is ahead of UTC, as the text says; 0 where the pattern has none."""
    bad: Where
    """Which texts are not in the pattern, or name no time of the calendar; NULL is not bad."""


def read_times(texts: pa.Array, pattern: TimePattern) -> Times:
    """Read all texts; where one is NULL or bad, the numbers mean nothing."""
    texts = _with_offsets_in_digits(texts, pattern)
    width = sum(_width(letters, text) for letters, text in pattern.parts)
    lengths = pc.binary_length(texts)
    if not texts.null_count and pc.min_max(lengths).as_py() == {"min": width, "max": width}:
        return _read(texts, width, pattern)
    fits = pc.fill_null(pc.equal(lengths, width), fill_value=False)
    rows = np.flatnonzero(fits.to_numpy(zero_copy_only=False))
    found = _read(texts.filter(fits), width, pattern)
    millis, nanos, offset = (np.zeros(len(texts), np.int64) for _ in range(3))
    millis[rows], nanos[rows], offset[rows] = found.millis, found.nanos, found.offset
    bad = pc.is_valid(texts).to_numpy(zero_copy_only=False).copy()
    bad[rows] = found.bad
    return Times(millis, nanos, offset, bad)


def _read(texts: pa.Array, width: int, pattern: TimePattern) -> Times:
    """Read texts that all have the length of the pattern."""
    reader = _Reader(_matrix(texts, width))
    for letters, text in pattern.parts:
        reader.read(letters, text)
    millis, (fraction, nanos) = reader.millis(), reader.fraction(pattern.fraction)
    return Times(millis + fraction, nanos, reader.offset, ~reader.good)


def _width(letters: str, text: str) -> int:
    if letters in OFFSETS:
        return len("+0800") if letters == "XX" else len("+08:00")
    return WIDTHS.get(letters, len(letters)) if letters else len(text.encode())


def _with_offsets_in_digits(texts: pa.Array, pattern: TimePattern) -> pa.Array:
    """Return texts whose Z is written as an offset, so that all have one length."""
    if not pattern.has_offset:
        return texts
    none = "+0000" if "XX" in pattern.letters else "+00:00"
    if pattern.parts[-1][0] not in OFFSETS:
        return _in_digits(texts, pattern, none)
    zulu = pc.fill_null(pc.ends_with(texts, "Z"), fill_value=False)
    if not pc.any(zulu).as_py():
        return texts
    return pc.if_else(zulu, pc.utf8_replace_slice(texts, -1, _END, none), texts)


def _in_digits(texts: pa.Array, pattern: TimePattern, none: str) -> pa.Array:
    """Return the same where something stands behind the offset, at ten times the cost."""
    written = [regex_of(*part) if part[0] not in OFFSETS else ")Z(" for part in pattern.parts]
    return pc.replace_substring_regex(texts, f"(?s)^({''.join(written)})$", rf"\1{none}\2")


def _matrix(texts: pa.Array, width: int) -> Digits:
    """Return texts of one length as rows of bytes, without a copy."""
    return np.frombuffer(bytes_of(texts), np.uint8).reshape(len(texts), width)


class _Reader:
    """The rows of bytes, read from left to right."""

    def __init__(self, matrix: Digits) -> None:
        # Digit after digit, each of all rows: NumPy is ten times as fast along rows of memory.
        self._digits, self._at = np.ascontiguousarray(matrix.T), 0
        self.good: Where = np.ones(len(matrix), bool)
        self.offset: Millis = np.zeros(len(matrix), np.int64)
        self._numbers: dict[str, Numbers] = {}

    def read(self, letters: str, text: str) -> None:
        """Read one part of the pattern."""
        if not letters:
            self._literal(text.encode())
        elif letters in OFFSETS:
            self._offset(colon=letters == "XXX")
        else:
            self._numbers[letters[0]] = self._number(WIDTHS.get(letters, len(letters)))

    def _literal(self, octets: bytes) -> None:
        for digit, wanted in zip(self._next(len(octets)), octets, strict=True):
            self.good &= digit == wanted

    def _number(self, width: int) -> Numbers:
        digits = self._next(width) - _ZERO
        self.good &= (digits <= _NINE).all(axis=0)
        # Two digits fit into a byte, and bytes are added many at a time.
        pairs = [digits[at] * _TEN + digits[at + 1] for at in range(width % 2, width, 2)]
        first, *others = [*digits[: width % 2], *pairs]
        number: Numbers = first
        for pair in others:
            number = number.astype(np.int32) * 100 + pair
        return number

    def _offset(self, *, colon: bool) -> None:
        sign = self._next(1)[0]
        self.good &= (sign == _SIGN_PLUS) | (sign == _SIGN_MINUS)
        hours = self._number(2)
        if colon:
            self._literal(b":")
        minutes = self._number(2)
        self.good &= _within(hours, 0, _MOST_HOURS) & _within(minutes, *_RANGES["m"])
        self.offset = np.where(sign == _SIGN_MINUS, -1, 1) * (hours * _HOUR + minutes * _MINUTE).astype(np.int64)

    def _next(self, width: int) -> Digits:
        self._at += width
        return self._digits[self._at - width : self._at]

    def millis(self) -> Millis:
        """Return the milliseconds since 1970; what names no time of the calendar is no longer good."""
        for letter, number in self._numbers.items():
            if letter in _RANGES:
                self.good &= _within(number, *_RANGES[letter])
        year, month, day, hour, minute, second = (self._part(letter) for letter in "yMdHms")
        # NumPy is five times as fast where a place is 64 bits wide.
        months = np.where(self.good, (year - 1) * 12 + month - 1, 0).astype(np.int64)
        firsts, lengths = _months()
        self.good &= day <= lengths[months]
        millis: Millis = (firsts[months] + day - 1) * DAY_MILLIS + (hour * _HOUR + minute * _MINUTE + second * _SECOND)
        return millis

    def fraction(self, digits: int) -> tuple[Millis, Millis]:
        """Return the second's fraction, which has so many digits: milliseconds, and nanoseconds beside them."""
        if not digits:
            return self._nothing(), self._nothing()
        nanos = self._part("S").astype(np.int64) * 10 ** (9 - digits)
        millis = nanos // 10**6
        return millis, nanos - millis * 10**6

    def _nothing(self) -> Millis:
        return np.zeros(len(self.good), np.int64)

    def _part(self, letter: str) -> Numbers:
        return self._numbers.get(letter, _OTHERWISE.get(letter, _NONE))


def _within(number: Numbers, low: int, high: int) -> Where:
    within: Where = (number >= low) & (number <= high)
    return within


@cache
def _months() -> tuple[Millis, npt.NDArray[np.int64]]:
    """Return the day since 1970 on which each month begins, from January of the year 1 on, and its length in days."""
    months = np.arange("0001-01", "10000-02", dtype="datetime64[M]")
    days: Millis = months.astype("datetime64[D]").astype(np.int64)
    return days, np.diff(days)
