"""Holes and overlaps between windows are found, and nothing where windows follow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.core.verification.tiling import RunWindow, WindowFate, tiling
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window

LOADED, RUNNING, FAILED = WindowFate


def run(
    start: int, end: int, state: WindowFate = LOADED, name: str = "", series: str = "load", topic_id: str = "id"
) -> RunWindow:
    """Return the window of a run, which is called after its start."""
    bound = ResolvedBound("0", "given", None)
    ranges = (OffsetRange("orders", 0, start, end),)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    window = Window("orders", topic_id, "c", IsolationLevel.READ_COMMITTED, now, bound, bound, ranges)
    return RunWindow(name or f"run{start}", series, state, window)


@pytest.mark.parametrize(
    ("windows", "holes", "overlaps"),
    [
        ([run(0, 5), run(5, 9), run(9, 9)], [], []),
        ([run(5, 9), run(0, 5)], [], []),
        ([run(0, 5), run(7, 9)], ["orders[0]@[5, 7): between run0 and run7"], []),
        ([run(0, 5), run(3, 9)], [], ["orders[0]@[3, 5): loaded by run0 and by run3"]),
        ([run(0, 9), run(3, 5), run(9, 10)], [], ["orders[0]@[3, 5): loaded by run0 and by run3"]),
        ([run(0, 5), run(3, 9, series="other")], [], []),
        ([run(0, 5), run(0, 9, topic_id="again")], [], []),
        (
            [run(0, 5), run(7, 9), run(5, 7, FAILED)],
            ["orders[0]@[5, 7): between run0 and run7; planned by run5 (failed)"],
            [],
        ),
        ([], [], []),
    ],
)
def test_what_lies_between_windows(windows: Sequence[RunWindow], holes: list[str], overlaps: list[str]) -> None:
    """Of one task and table, in one log; a window without offsets is nothing."""
    found = tiling(windows)
    assert (list(map(str, found.holes)), list(map(str, found.overlaps))) == (holes, overlaps)
    assert found.is_whole == (not holes and not overlaps)


def test_a_hole_that_is_being_loaded_is_none_for_long() -> None:
    """It is listed, and all is whole; with a part that nobody loads it is not."""
    found = tiling([run(0, 5), run(9, 10), run(5, 7, RUNNING), run(7, 9, RUNNING)])
    assert (found.is_whole, found.holes[0].pending) == (True, ("run5 (running)", "run7 (running)"))
    assert not tiling([run(0, 5), run(9, 10), run(6, 9, RUNNING)]).is_whole


RANGES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)).map(lambda each: (each[0], sum(each))), max_size=6)


@given(RANGES)
def test_it_is_what_counting_would_tell(ranges: list[tuple[int, int]]) -> None:
    """Between the first offset and the last one, each that is in no window is in a hole; each in two, in an overlap."""
    times = Counter(offset for start, end in ranges for offset in range(start, end))
    found = tiling([run(start, end, name=f"run{at}") for at, (start, end) in enumerate(ranges)])
    inside = range(min(times), max(times) + 1) if times else ()
    assert {offset for each in found.holes for offset in range(each.offsets.start, each.offsets.end)} == {
        offset for offset in inside if not times[offset]
    }
    twice = {offset for each in found.overlaps for offset in range(each.offsets.start, each.offsets.end)}
    assert twice == {offset for offset in inside if times[offset] > 1}
