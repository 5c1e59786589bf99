"""The law of times by a clock: a column has what its single values have, and these are what Python says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import FUNCTIONS
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Unconvertible

ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Africa/Monrovia",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
)
"""Of whole hours and quarters, of seconds (Monrovia until 1972, the others long ago), of a day that there never was."""
PATTERNS = (
    "yyyyMMdd",
    "HH",
    "MM",
    "yyyy-MM-dd HH:mm",
    "dd'T'ss",
    "HH:mm:ss.SSS",
    "yyyyMMddHHXX",
    "XXX",
    "SSSSSSSSS",
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER, DAY = 900_000, 86_400_000
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999


@cache
def changes(zone: str) -> tuple[int, ...]:
    """Return instants, in milliseconds, at which the clock of a zone is put forward or back."""
    found = []
    steps = range(-100 * 365 * DAY, 60 * 365 * DAY, 28 * DAY)
    for low, high in pairwise(steps):
        while offset(low, zone) != offset(high, zone) and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle, zone) == offset(low, zone) else (low, middle)  # noqa: PLW2901
        if high - low == 1:
            found.append(high)
    return tuple(found) or (0,)


def offset(millis: int, zone: str) -> int:
    """Return by how many milliseconds a clock is ahead of UTC."""
    ahead = (EPOCH + timedelta(milliseconds=millis)).astimezone(ZoneInfo(zone)).utcoffset()
    assert ahead is not None
    return ahead // timedelta(milliseconds=1)


@st.composite
def zone_and_millis(draw: st.DrawFn) -> tuple[str, list[int | None]]:
    """Draw a zone, and times of a batch: mostly neighbours, about a change of the clock or an end of the calendar."""
    zone = draw(st.sampled_from(ZONES))
    bases = st.one_of(
        st.sampled_from(changes(zone)),
        st.integers(-4_000_000_000_000, 4_000_000_000_000),
        st.sampled_from([0, FIRST, LAST, -(2**63), 2**63 - 1]),
    )
    near = st.one_of(st.integers(-2 * QUARTER, 2 * QUARTER), st.integers(-3, 3), st.integers(-2 * DAY, 2 * DAY))
    times: list[int | None] = []
    for _ in range(draw(st.integers(0, 3))):
        base = draw(bases)
        few = [min(max(base + each, -(2**63)), 2**63 - 1) for each in draw(st.lists(near, min_size=1, max_size=4))]
        times += draw(st.lists(st.sampled_from([None, *few, *few, *few]), max_size=40))
    return zone, times


def called(name: str, *arguments: str, kind: SourceKind) -> Conversion:
    """Return the conversion of a function."""
    return FUNCTIONS[name].called(arguments, kind=kind, timezone=None).conversion


def column(times: Sequence[int | None], kind: SourceKind) -> pa.Array:
    """Return times in the type that a function gets."""
    match kind:
        case SourceKind.INSTANT:
            return pa.array(times, pa.int64()).cast(pa.timestamp("ms", "UTC"))
        case SourceKind.DATE:
            days = [None if each is None else min(max(each // DAY, -(2**31)), 2**31 - 1) for each in times]
            return pa.array(days, pa.int32()).cast(pa.date32())
        case _:
            # Odd, so that there is something smaller than a millisecond.
            nanos = [None if each is None else (each * 1_000_001 + 2**63) % 2**64 - 2**63 for each in times]
            return pa.array(nanos, pa.int64()).cast(pa.timestamp("ns", "UTC" if kind is SourceKind.NANOS else None))


def one_by_one(conversion: Conversion, values: pa.Array) -> tuple[list[object], list[Unconvertible]]:
    """Return what becomes of values that are converted each on its own."""
    found, problems = [], []
    for row in range(len(values)):
        (one,), unfit = conversion.apply(values.slice(row, 1))
        found.append(one.as_py())
        problems += [Unconvertible(row, each.reason) for each in unfit]
    return found, problems


@pytest.mark.parametrize("kind", [SourceKind.INSTANT, SourceKind.NANOS, SourceKind.LOCAL, SourceKind.DATE])
@given(drawn=zone_and_millis(), pattern=st.sampled_from(PATTERNS))
def test_a_column_is_written_as_its_values_are(
    kind: SourceKind, drawn: tuple[str, list[int | None]], pattern: str
) -> None:
    """Whatever stands beside a time, its text is the same, and so is the reason why it has none."""
    zone, times = drawn
    zoned = kind in (SourceKind.INSTANT, SourceKind.NANOS)
    if not zoned:
        pattern = pattern.replace("X", "") or "yyyy"
    values = column(times, kind)
    for write in (
        called("format", pattern, *([zone] if zoned else []), kind=kind),
        *([called("date", *([zone] if zoned else []), kind=kind)] if kind is not SourceKind.DATE else []),
    ):
        # Sliced, as the rows of a batch may be.
        texts, problems = write.apply(pa.concat_arrays([values, values, values]).slice(len(values), len(values)))
        assert (texts.to_pylist(), problems) == one_by_one(write, values)


@given(drawn=zone_and_millis())
def test_a_column_is_what_python_says(drawn: tuple[str, list[int | None]]) -> None:
    """Days and hours by the clock of a zone, also at its changes and before there were whole hours."""
    zone, times = drawn
    inner = [None if each is None else min(max(each, FIRST + 2 * DAY), LAST - 2 * DAY) for each in times]
    values = column(inner, SourceKind.INSTANT)
    shown = [
        None if each is None else (EPOCH + timedelta(milliseconds=each)).astimezone(ZoneInfo(zone)) for each in inner
    ]
    for pattern, wanted in (
        ("yyyyMMdd", [each and f"{each.year:04}{each.month:02}{each.day:02}" for each in shown]),
        ("HH", [each and f"{each.hour:02}" for each in shown]),
        ("HH:mm", [each and f"{each.hour:02}:{each.minute:02}" for each in shown]),
    ):
        texts, problems = called("format", pattern, zone, kind=SourceKind.INSTANT).apply(values)
        assert (texts.to_pylist(), problems) == (wanted, [])
    days, problems = called("date", zone, kind=SourceKind.INSTANT).apply(values)
    assert (days.to_pylist(), problems) == ([each and each.date() for each in shown], [])


def test_many_neighbours_over_a_change_of_the_clock() -> None:
    """A clock of seconds beside whole minutes: the hours of Monrovia about the end of its mean time, each second."""
    change = changes("Africa/Monrovia")[-1]
    millis = [change + 1000 * step for step in range(-9000, 9000)]
    texts, problems = called("format", "yyyyMMddHHmm", "Africa/Monrovia", kind=SourceKind.INSTANT).apply(
        column(millis, SourceKind.INSTANT)
    )
    shown = [(EPOCH + timedelta(milliseconds=each)).astimezone(ZoneInfo("Africa/Monrovia")) for each in millis]
    assert (texts.to_pylist(), problems) == ([f"{each:%Y%m%d%H%M}" for each in shown], [])
    assert shown[8999].utcoffset() != shown[9000].utcoffset()
    assert shown[0].date() == date(1972, 1, 6)


READ = {
    "yyyy-MM-dd HH:mm:ss": r"(?P<y>\d{4})-(?P<M>\d\d)-(?P<d>\d\d) (?P<H>\d\d):(?P<m>\d\d):(?P<s>\d\d)",
    "yyyyMMddHH": r"(?P<y>\d{4})(?P<M>\d\d)(?P<d>\d\d)(?P<H>\d\d)",
    "SSS'/'dd'/'MM'/'yyyy": r"(?P<S>\d{3})/(?P<d>\d\d)/(?P<M>\d\d)/(?P<y>\d{4})",
    "yyyy S": r"(?P<y>\d{4}) (?P<S>\d)",
}
"""Patterns, and regular expressions of the same texts."""


def digits(low: int, high: int, width: int) -> st.SearchStrategy[str]:
    """Return numbers of one width, at times just outside of their range."""
    return st.integers(max(0, low - 1), min(high + 1, 10**width - 1)).map(lambda number: f"{number:0{width}}")


@st.composite
def texts_of(draw: st.DrawFn, pattern: str) -> list[str | None]:
    """Draw texts of a pattern, and some that are nearly so."""
    parts = {
        "yyyy": st.one_of(digits(1, 9999, 4), digits(1999, 2030, 4)),
        "MM": digits(1, 12, 2),
        "dd": digits(1, 31, 2),
        "HH": digits(0, 23, 2),
        "mm": digits(0, 59, 2),
        "ss": digits(0, 59, 2),
        "SSS": digits(0, 999, 3),
        "S": digits(0, 9, 1),
    }
    found: list[str | None] = []
    for _ in range(draw(st.integers(0, 12))):
        text = pattern.replace("'", "")
        for letters, numbers in parts.items():
            text = text.replace(letters, draw(numbers))
        at = draw(st.integers(0, len(text) - 1))
        odd = text[:at] + draw(st.sampled_from(["", "x", "é", ":", "/", "12"])) + text[at + 1 :]
        found.append(draw(st.sampled_from([text, text, text, text, odd, None])))
    return found


def read_by_python(text: str | None, pattern: str) -> datetime | None:
    """Return the time, in UTC, or None for what is none."""
    found = re.fullmatch(READ[pattern], text or "", re.ASCII)
    if found is None:
        return None
    number = {letter: int(digits) for letter, digits in found.groupdict().items()}
    try:
        moment = datetime(number["y"], number.get("M", 1), number.get("d", 1), tzinfo=UTC)
        moment = moment.replace(hour=number.get("H", 0), minute=number.get("m", 0), second=number.get("s", 0))
    except ValueError:
        return None
    tenths = found.groupdict().get("S") or "0"
    return moment + timedelta(milliseconds=int(f"{tenths:0<3}"))


@pytest.mark.parametrize("pattern", READ)
@given(data=st.data())
def test_a_text_is_read_as_python_reads_it(pattern: str, data: st.DataObject) -> None:
    """Whatever stands beside it; what is no time of the calendar is a problem that quotes it, in its row."""
    texts = data.draw(texts_of(pattern))
    wanted = [read_by_python(text, pattern) for text in texts]
    moments, problems = called("time", pattern, "UTC", kind=SourceKind.TEXT).apply(pa.array(texts, pa.string()))
    assert moments.to_pylist() == wanted
    bad = [row for row, (text, moment) in enumerate(zip(texts, wanted, strict=True)) if moment is None and text]
    assert [each.row for each in problems] == bad
    assert all(repr(texts[each.row]) in each.reason for each in problems)
