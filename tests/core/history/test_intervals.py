"""A task knows the intervals that it has planned: none is loaded across another, and holes between them are said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core.examples import offsets_in
from core.memory import Runs, Topic
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.history.intervals import Intervals, Row
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.exceptions import InvalidInput, NeighboursDiffer

KEY = "intervals:cluster:orders:hourly.load"


@pytest.fixture
def hours() -> Runs:
    """Return runs of a task that has planned three hours of sixty minutes, with a record in each minute."""
    runs = Runs(Topic({0: list(range(400))}))
    for hour in range(3):
        runs.plan(str(hour), At(60 * hour), At(60 * hour + 60))
    return runs


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(97, 157, id="a run by hand under a timetable of deltas"),
        pytest.param(150, 210, id="from every hour to every hour and a half"),
        pytest.param(0, 1440, id="from hourly to daily"),
        pytest.param(0, 120, id="two of the hours"),
        pytest.param(61, 62, id="within one of them"),
        pytest.param(120, 181, id="one of them and more"),
    ],
)
def test_an_interval_across_others_is_refused(hours: Runs, start: int, end: int) -> None:
    """Its records would be in the table twice, so nothing is planned and nothing is left for others."""
    assert hours.memory is not None
    before = dict(hours.memory.entries)
    with pytest.raises(NeighboursDiffer, match=r"overlaps \[1970-01-01T.*hourly.load has planned a window already"):
        hours.plan("across", At(start), At(end))
    with pytest.raises(NeighboursDiffer):
        replace(hours, on_gap=OnGap.ABSORB).plan("across", At(start), At(end))
    assert hours.memory.entries == before


def test_who_wants_an_overlap_gets_it(hours: Runs) -> None:
    """With `ignore`, an interval across others is loaded whole."""
    assert offsets_in(replace(hours, on_gap=OnGap.IGNORE).plan("across", At(97), At(157))) == {0: (97, 157)}


def test_the_same_interval_again_is_no_overlap(hours: Runs) -> None:
    """A run that has forgotten its window plans the old one; it, and every neighbour, is where it was."""
    assert offsets_in(hours.plan("1", At(60), At(120))) == {0: (60, 120)}
    assert hours.memory is not None
    assert Intervals.from_json(hours.memory.get(KEY), KEY) == Intervals((Row(0, 60, 3),))


def test_holes_are_said(hours: Runs) -> None:
    """From hourly to every other hour: what lies between the last hour and the next window is in the receipt."""
    window = hours.plan("later", At(240), At(360))
    assert window.left_out == ("[1970-01-01T00:00:00.180000Z, 1970-01-01T00:00:00.240000Z)",)
    between = hours.plan("between", At(190), At(230))
    assert [hole.split(", ") for hole in between.left_out] == [
        ["[1970-01-01T00:00:00.180000Z", "1970-01-01T00:00:00.190000Z)"],
        ["[1970-01-01T00:00:00.230000Z", "1970-01-01T00:00:00.240000Z)"],
    ]
    assert hours.plan("next", At(360), At(420)).left_out == ()


def test_a_gap_of_long_ago_is_cut_before_what_came_later() -> None:
    """However many instants were cut since, a late record is not in the old hour and in a newer one, too."""
    runs = Runs(Topic({0: [5, 6, 7]}))
    assert offsets_in(runs.plan("before", At(50), At(60))) == {0: (3, 3)}
    runs.topic.stamps[0] += [25, 35]
    assert offsets_in(runs.plan("6", At(60), At(70))) == {0: (3, 5)}
    for hour in range(7, 1_100):
        runs.plan(str(hour), At(10 * hour), At(10 * hour + 10))
    assert offsets_in(runs.plan("gap", At(20), At(30))) == {0: (3, 3)}
    assert offsets_in(runs.plan("next", At(30), At(40))) == {0: (3, 3)}


def test_another_task_has_intervals_of_its_own(hours: Runs) -> None:
    """Two tasks may load the same records, each into what is its own."""
    other = replace(hours, task="daily.load")
    assert offsets_in(other.plan("day", At(0), At(180))) == {0: (0, 180)}


def test_years_of_hours_are_one_line() -> None:
    """The entry is as small after ten thousand hours as after two, in whatever order they come."""
    known = Intervals()
    for hour in [*range(0, 2_000, 2), *range(1, 2_000, 2)]:
        known = known.with_one(At(60 * hour), At(60 * hour + 60))
    assert known.to_json()["intervals"] == [[0, 60, 2_000]]


@pytest.mark.parametrize("rows", [[[0, 0, 1]], [[0, 60, 0]], [[0, 60]], [[0, 1.5, 1]], 7])
def test_an_entry_that_was_edited_badly_is_named(rows: object) -> None:
    """What cannot be read is not guessed at."""
    with pytest.raises(InvalidInput, match=KEY):
        Intervals.from_json({"version": 1, "intervals": rows}, KEY)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=12), st.integers(0, 30), st.integers(1, 10))
def test_overlaps_are_those_of_all_intervals(known: list[tuple[int, int]], start: int, length: int) -> None:
    """However they are packed, an interval is refused if, and only if, it shares a moment with another one."""
    intervals, end = Intervals(), start + length
    for begins, lasts in known:
        intervals = intervals.with_one(At(begins), At(begins + lasts))
    others = [(begins, begins + lasts) for begins, lasts in known if (begins, begins + lasts) != (start, end)]
    overlaps = any(begins < end and ends > start for begins, ends in others)
    try:
        intervals.check(At(start), At(end), "hourly.load")
    except NeighboursDiffer:
        assert overlaps
    else:
        assert not overlaps


_SOME = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=12)


@given(_SOME, _SOME)
def test_all_that_two_lists_know(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    """Together they have the intervals of both, each once."""
    both = _known(one).with_all(_known(other))
    found = [(begins, begins + row.length) for row in both.rows for begins in range(row.start, row.end, row.length)]
    assert sorted(found) == sorted({(start, start + length) for start, length in (*one, *other)})


def _known(some: list[tuple[int, int]]) -> Intervals:
    known = Intervals()
    for start, length in some:
        known = known.with_one(At(start), At(start + length))
    return known
