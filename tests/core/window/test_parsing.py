"""What a user may ask for as a bound, and what it is parsed to."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.window.bounds import (
    AskedBound,
    At,
    Committed,
    Earliest,
    Latest,
    Offsets,
    Previous,
    Side,
    SurveyBound,
)
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound, parse_start
from airflow_provider_kafka_odps.exceptions import InvalidInput, NoInterval

NONE = Interval(None, None)
TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = Interval(TEN, TEN + timedelta(hours=1))
TEN_MILLIS = 1_795_341_600_000
START, END = Side.START, Side.END

_BOUNDS = st.one_of(
    st.sampled_from([Earliest(), Latest(), Committed(), Previous()]),
    st.integers(0, 253_402_300_799_999).map(At),
    st.integers(0, 2**63 - 1).map(lambda offset: Offsets(offset, {})),
    st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), min_size=1).map(
        lambda each: Offsets(None, each)
    ),
)
_MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn beside it
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))]),
)


@pytest.mark.parametrize(
    ("asked", "side", "bound"),
    [
        ("earliest", START, Earliest()),
        ("latest", START, Latest()),
        ("latest", END, Latest()),
        ("committed", START, Committed()),
        (" latest\n", END, Latest()),
        ("interval", START, At(TEN_MILLIS)),
        ("interval", END, At(TEN_MILLIS + 3_600_000)),
        (TEN, START, At(TEN_MILLIS)),
        ("2026-11-22T10:00:00Z", START, At(TEN_MILLIS)),
        ("2026-11-22T18:00[Asia/Shanghai]", START, At(TEN_MILLIS)),
        ("20261122180000[Asia/Shanghai]", START, At(TEN_MILLIS)),
        ("2026-11-22 10:00:00+00:00", END, At(TEN_MILLIS)),
        ("2026-11-22T18:00:00+08:00", END, At(TEN_MILLIS)),
        ("1970-01-01T00:00:00Z", START, At(0)),
        (30, START, Offsets(30, {})),
        (0, END, Offsets(0, {})),
        ("30", END, Offsets(30, {})),
        ({0: 30, 1: 40}, START, Offsets(None, {0: 30, 1: 40})),
        ({"0": "30"}, START, Offsets(None, {0: 30})),
        ('{"0": 30, "1": 0}', END, Offsets(None, {0: 30, 1: 0})),
    ],
)
def test_bounds_are_parsed(asked: Any, side: Side, bound: SurveyBound) -> None:
    """Each form in which templates, Params and code deliver a bound becomes the one value that it means."""
    assert parse_bound(asked, side, HOUR) == bound


@pytest.mark.parametrize(
    ("asked", "side"),
    [
        ("earliest", END),
        ("committed", END),
        ("Earliest", START),
        ("", START),
        ("None", START),
        ("--5", START),
        ("5-", START),
        ("٣", START),
        ("9" * 20, START),
        ("1.5", START),
        (1.5, START),
        (True, START),
        (None, END),
        ([1, 2], END),
        ("2026-13-01T00:00:00Z", START),
    ],
    ids=repr,
)
def test_what_is_no_bound_is_refused_with_what_would_be(asked: Any, side: Side) -> None:
    """The message quotes what was asked and lists what is accepted on that side."""
    with pytest.raises(InvalidInput, match=rf"^{side}=.* is no bound; accepted: 'interval'") as refused:
        parse_bound(asked, side, NONE)
    assert ("'interval', 'earliest'" in str(refused.value)) == (side is START)


@pytest.mark.parametrize("asked", [-1, "-2", {"0": -1}, '{"0": -1}'])
def test_negative_offsets_are_nobodys_code(asked: Any) -> None:
    """A negative offset is not taken for "earliest" or "latest"."""
    with pytest.raises(InvalidInput, match=r"offset -\d .*offsets are >= 0; write 'earliest' or 'latest'"):
        parse_bound(asked, START, NONE)


@pytest.mark.parametrize("asked", [{"0": 1.5}, {"0": True}, {"0": None}, {"a": 1}, {"-1": 1}, {"0": "--5"}, {True: 1}])
def test_a_mapping_of_something_else_is_refused(asked: Any) -> None:
    """What is not a partition number with an offset is shown."""
    with pytest.raises(InvalidInput, match="is not a partition number with an offset"):
        parse_bound(asked, START, NONE)


@pytest.mark.parametrize("asked", [{0: 1, "0": 2}, '{"0": 1, "0": 2}', '{"0": 1, "00": 2}'])
def test_a_partition_named_twice_is_refused(asked: Any) -> None:
    """Which of two offsets is meant is not guessed."""
    with pytest.raises(InvalidInput, match=r"^start: partition 0 is there twice; give one offset per partition$"):
        parse_bound(asked, START, NONE)


def test_an_instant_needs_a_zone() -> None:
    """A time without a zone names no instant."""
    for asked in ("2026-11-22T10:00:00", "2026-11-22", datetime(2026, 11, 22)):  # noqa: DTZ001 - that is the point
        with pytest.raises(InvalidInput, match="has no time zone"):
            parse_bound(asked, START, NONE)


@pytest.mark.parametrize("micros", [0, 1, 499, 500, 999])
def test_instants_are_rounded_up(micros: int) -> None:
    """The first record at or after an instant is the first at or after the next whole millisecond."""
    moment = TEN + timedelta(microseconds=micros)
    assert parse_bound(moment, START, NONE) == At(TEN_MILLIS + (micros > 0))


@given(_MOMENTS, st.integers(-3_000, 3_000))
def test_rounding_keeps_exactly_the_records_at_or_after_the_instant(moment: datetime, distance: int) -> None:
    """A record's millisecond is at or after the rounded instant if, and only if, it is at or after the instant."""
    bound = parse_bound(moment, START, NONE)
    assert isinstance(bound, At)
    record = bound.millis + distance
    assert (record >= bound.millis) == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=record) >= moment)


@given(_BOUNDS)
def test_a_bound_is_parsed_from_its_own_text(bound: AskedBound) -> None:
    """What the window says was asked for can be asked for again."""
    assert parse_start(str(bound), NONE) == bound


def test_only_a_tasks_start_can_be_the_end_of_its_last_window() -> None:
    """Who has no task that remembers its windows is told so, and an end is never the end of another window."""
    assert parse_start(" previous\n", NONE) == Previous()
    with pytest.raises(InvalidInput, match="'previous' is answered by what a task remembers of its windows: ask for"):
        parse_bound("previous", START, NONE)
    with pytest.raises(InvalidInput, match="end='previous' is no bound"):
        parse_bound("previous", END, NONE)


@pytest.mark.parametrize(
    ("interval", "seen"),
    [
        (NONE, "no data interval"),
        (Interval(TEN, None), "no data interval"),
        (Interval(TEN, TEN), "has no length"),
        (Interval(TEN, TEN - timedelta(hours=1)), "has no length"),
    ],
)
def test_a_run_without_an_interval_is_told_which_timetables_have_one(interval: Interval, seen: str) -> None:
    """A missing or empty data interval is an error that names the timetables to use."""
    for side in Side:
        with pytest.raises(NoInterval, match=rf"{seen}.*CronDataIntervalTimetable"):
            parse_bound("interval", side, interval)


def test_times_outside_kafkas_range_are_refused() -> None:
    """Before 1970 nothing can be looked up, after 9999 nothing can be written down."""
    with pytest.raises(InvalidInput, match="1970"):
        parse_bound("1969-12-31T23:59:59Z", START, NONE)
    with pytest.raises(InvalidInput, match="9999"):
        parse_bound(datetime.max.replace(tzinfo=UTC), END, NONE)


def test_airflows_own_instants() -> None:
    """An interval of pendulum's instants, which is what Airflow gives, is looked up like any other."""
    interval = Interval(pendulum.instance(TEN), pendulum.instance(TEN).add(hours=1, microseconds=1))
    assert parse_bound("interval", START, interval) == At(TEN_MILLIS)
    assert parse_bound("interval", END, interval) == At(TEN_MILLIS + 3_600_001)
