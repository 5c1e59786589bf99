"""Partitions that are named after the time at which a window starts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.table.partition_pattern import PartitionPattern
from airflow_provider_kafka_odps.exceptions import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEN = datetime(2026, 11, 22, 10, 5, 7, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("asked", "zone", "named"),
    [
        ("ds=%Y%m%d,hh=%H", "UTC", "ds=20261122,hh=10"),
        ("ds='%Y-%m-%d'/hh='%H'", "UTC", "ds=2026-11-22,hh=10"),
        ({"ds": "%Y%m%d", "hh": "%H", "n": 7}, "UTC", "ds=20261122,hh=10,n=7"),
        ("t=%H:%M:%S", "UTC", "t=10:05:07"),
        ("ds=%Y%m%d,hh=%H", "Asia/Shanghai", "ds=20261122,hh=18"),
        ("ds=%Y%m%d,hh=%H", "Pacific/Kiritimati", "ds=20261123,hh=00"),
        ("region=cn,ds=%Y%m%d", "UTC", "region=cn,ds=20261122"),
    ],
    ids=repr,
)
def test_a_partition_is_named_by_the_clock_of_a_zone(asked: Any, zone: str, named: str) -> None:
    """Year, month, day, hour, minute and second have their full length, and other levels stay as they are."""
    assert str(PartitionPattern.parse(asked).of_window(TEN, ZoneInfo(zone), Mode.APPEND)) == named


def test_the_table_of_the_docs() -> None:
    """Each row of docs/windows.md is so."""
    page = (ROOT / "docs" / "windows.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+=[^`]*%[^`]*)` \| `([^`]+)` \| `([^`]+)` \|$", page, re.MULTILINE)
    assert len(rows) == 3
    for asked, in_utc, in_shanghai in rows:
        pattern = PartitionPattern.parse(asked)
        assert [str(pattern.at(TEN, zone)) for zone in (ZoneInfo("UTC"), SHANGHAI)] == [in_utc, in_shanghai]


@given(
    st.integers(-719_000 * 86_400, 2_932_000 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"]),
)
def test_the_texts_are_those_of_strftime(moment: datetime, zone: str) -> None:
    """What a user knows of Python's strftime holds, for years before 1000 with zeros in front."""
    pattern = PartitionPattern.parse("a=%Y.%m.%d,b=%H.%M.%S")
    clock = moment.astimezone(ZoneInfo(zone))
    wanted = f"a={clock.year:04}.{clock.strftime('%m.%d')},b={clock.strftime('%H.%M.%S')}"
    assert str(pattern.at(moment, ZoneInfo(zone))) == wanted


def test_what_has_no_directive_needs_no_time() -> None:
    """A partition as it has always been written is the same for every window."""
    assert PartitionPattern.parse("ds=1").of_window(None, SHANGHAI, Mode.OVERWRITE) == PartitionSpec((("ds", "1"),))


@pytest.mark.parametrize(
    ("asked", "unknown"), [("ds=%y%m%d", "%y"), ("ds=%F", "%F"), ("ds=100%", "%"), ("ds=%%Y", "%%"), ("ds=%-d", "%-")]
)
def test_other_directives_are_refused(asked: str, unknown: str) -> None:
    """The message shows which one, and those that there are."""
    with pytest.raises(InvalidInput, match=rf"^partition ds='.*': '{unknown}' is no part of a time here; write %Y, %m"):
        PartitionPattern.parse(asked)


def test_a_window_without_a_time_has_no_such_partition() -> None:
    """Offsets and names of them have no time; the message says what to write."""
    with pytest.raises(InvalidInput, match=r"partition='ds=%Y' is named after .* starts at no time\. Give start="):
        PartitionPattern.parse("ds=%Y").of_window(None, SHANGHAI, Mode.APPEND)


def test_an_hour_that_the_clock_shows_twice_is_not_overwritten() -> None:
    """Where summer time ends, two hours have one partition: both may be appended, but one would erase the other."""
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    pattern = PartitionPattern.parse("ds=%Y%m%d,hh=%H")
    for hour in (first, first + timedelta(hours=1)):
        assert str(pattern.of_window(hour, BERLIN, Mode.APPEND)) == "ds=20261025,hh=02"
        with pytest.raises(InvalidInput, match=r"Europe/Berlin shows 02:00 twice .* mode='append'"):
            pattern.of_window(hour, BERLIN, Mode.OVERWRITE)
    for other in (first - timedelta(hours=1), first + timedelta(hours=2)):
        assert pattern.of_window(other, BERLIN, Mode.OVERWRITE)
    assert PartitionPattern.parse("ds=%Y%m%d").of_window(first, BERLIN, Mode.OVERWRITE)


def test_the_end_of_the_calendar() -> None:
    """An instant that a zone's clock cannot show is refused in words."""
    with pytest.raises(InvalidInput, match="is beyond the calendar by the clock of Asia/Shanghai"):
        PartitionPattern.parse("ds=%Y").at(datetime(9999, 12, 31, 23, tzinfo=UTC), SHANGHAI)
