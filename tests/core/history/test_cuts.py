"""Windows between instants: they tile the log in whatever order they are planned, or whoever would break it fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Condition

import pytest
from core.examples import offsets_in
from core.memory import Clock, Runs, Topic
from hypothesis import given
from hypothesis import strategies as st
from twins.stores import Memory

from airflow_provider_kafka_odps.core.history.cuts import Author, Claim, cut_key, remembered, store_key
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnGap
from airflow_provider_kafka_odps.core.window.bounds import At, Earliest, Latest, Side
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    InstantAhead,
    InvalidInput,
    LogTooShort,
    NeighboursDiffer,
    OffsetsExpired,
    OpenTransaction,
    PlannedAtOnce,
    TopicReplaced,
    UnknownPartition,
)

TEN, ELEVEN, TWELVE, ONE = At(10), At(11), At(12), At(13)


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Return what happens, in order: records with timestamps in any order, and every hour planned once."""
    hours = draw(st.permutations(range(draw(st.integers(1, 6)))))
    records = draw(st.lists(st.tuples(st.just("record"), st.integers(0, 2), st.integers(0, 80)), max_size=25))
    happens = [*[("plan", hour, 0) for hour in hours], *records]
    return draw(st.permutations(happens))


@given(_histories())
def test_windows_tile_in_whatever_order_they_are_planned(history: Sequence[tuple[str, int, int]]) -> None:
    """Late records, hours backwards, hours of which the log has nothing: no offset is in none, and none in two."""
    runs = Runs(Topic({0: [], 1: [], 2: []}))
    windows: dict[int, Window] = {}
    for what, where, stamp in history:
        if what == "record":
            runs.topic.stamps[where].append(stamp)
        else:
            windows[where] = runs.plan(str(where), At(10 * where), At(10 * where + 10))
    for hour, window in windows.items():
        if (after := windows.get(hour + 1)) is not None:
            assert {each.partition: each.end for each in window.ranges} == {
                each.partition: each.start for each in after.ranges
            }


@pytest.mark.parametrize("first", ["before", "after"])
def test_a_late_record_is_in_exactly_one_window(first: str) -> None:
    """A record from before the instant that comes after its cut is in the later window, whichever is planned first."""
    runs = Runs(Topic({0: [100, 105]}))
    hours = {"before": (At(100), At(110)), "after": (At(110), At(120))}
    order = ["before", "after"] if first == "before" else ["after", "before"]
    windows = {order[0]: runs.plan(order[0], *hours[order[0]])}
    runs.topic.stamps[0] += [109, 112]
    windows[order[1]] = runs.plan(order[1], *hours[order[1]])
    # When the later hour came first, its end is a cut that was made before the record came.
    assert offsets_in(windows["before"]) == {0: (0, 2)}
    assert offsets_in(windows["after"]) == {0: (2, 4 if first == "before" else 2)}
    source = windows["after"].start.source if first == "before" else windows["before"].end.source
    assert source == f"cut of run {order[0]}"


@dataclass
class Growing(Topic):
    """A topic to which records come right after its first survey."""

    then: list[int] = field(default_factory=list)

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        facts = super().survey(topic, questions)
        self.stamps = {0: self.then}
        return facts


class Turns:
    """Lets two threads take turns as a schedule says; one that has ended passes its turns on."""

    def __init__(self, schedule: list[int]) -> None:
        self._schedule, self._changed, self._ended = schedule, Condition(), set[int]()

    def take(self, who: int) -> None:
        """Wait for the next turn of one of the two."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() in (who, None), timeout=30)
            if self._schedule:
                self._schedule.pop(0)
            self._changed.notify_all()

    def end(self, who: int) -> None:
        """Take no more turns."""
        with self._changed:
            self._ended.add(who)
            self._changed.notify_all()

    def _next(self) -> int | None:
        while self._schedule and self._schedule[0] in self._ended:
            self._schedule.pop(0)
        return self._schedule[0] if self._schedule else None


@given(st.lists(st.integers(0, 1), min_size=4, max_size=20))
def test_neighbours_that_are_planned_at_once_never_differ(schedule: list[int]) -> None:
    """However two planners take turns at the store, both windows meet or one is refused; a retry then meets."""
    memory, turns = Memory(), Turns(list(schedule))
    # The first survey of one of them misses two records: their cuts of the instant between them differ.
    topics = [Growing({0: [100, 101]}, then=[100, 101, 102, 103]), Topic({0: [100, 101, 102, 103]})]
    hours = [(At(90), At(110)), (At(110), At(120))]

    def planned(who: int) -> Window | None:
        mine = Memory(memory.entries, lambda: turns.take(who))
        try:
            return Runs(topics[who], mine).plan(str(who), *hours[who])
        except PlannedAtOnce:
            return None
        finally:
            turns.end(who)

    with ThreadPoolExecutor(2) as pool:
        windows = list(pool.map(planned, (0, 1)))
    again = [window or Runs(topics[1], memory).plan(str(who), *hours[who]) for who, window in enumerate(windows)]
    assert again[0].ranges[0].end == again[1].ranges[0].start


N, S, OWN = (Claim("id", {0: offset}, Author("t", run)) for offset, run in ((5, "n"), (7, "s"), (7, "me")))


@pytest.mark.parametrize(
    ("neighbour", "same", "on_gap", "expected"),
    [
        (None, None, OnGap.FAIL, None),
        (N, None, OnGap.FAIL, (5, "n")),
        (N, OWN, OnGap.FAIL, (5, "n")),
        (N, replace(S, offsets={0: 5}), OnGap.FAIL, (5, "n")),
        (None, S, OnGap.FAIL, (7, "s")),
        (None, OWN, OnGap.FAIL, (7, "me")),
        (N, S, OnGap.ABSORB, (5, "n")),
        (N, S, OnGap.IGNORE, (7, "s")),
        (N, replace(S, offsets={1: 9}), OnGap.FAIL, (5, "n")),
    ],
)
def test_the_cut_of_two_sides(
    neighbour: Claim | None, same: Claim | None, on_gap: OnGap, expected: tuple[int, str] | None
) -> None:
    """The table in the docstring of `remembered` is what it does."""
    found = remembered(TEN, "orders", neighbour, same, Author("t", "me"), on_gap)
    assert (None if found is None else (found.offsets[0], found.source.removeprefix("cut of run "))) == expected


def test_sides_that_differ_are_refused_with_the_numbers() -> None:
    """By default a hole or an overlap fails the run, per partition, with both runs."""
    with pytest.raises(NeighboursDiffer, match=r"orders\[0\]: cut at 5 by run n, at 7 by run s.*on_gap='absorb'"):
        remembered(TEN, "orders", N, S, Author("t", "me"), OnGap.FAIL)


def test_a_window_that_was_planned_and_never_recorded_is_planned_again() -> None:
    """An attempt that dies between its claims and its journal leaves cuts; its retry, and the neighbours, use them."""
    runs = Runs(Topic({0: [100]}))
    runs.plan("a", At(90), At(110))
    runs.topic.stamps[0].append(105)
    assert offsets_in(runs.plan("b", At(110), At(120))) == {0: (1, 2)}
    assert offsets_in(runs.plan("a", At(90), At(110))) == {0: (0, 1)}


def test_a_partition_that_was_added_is_loaded_from_its_beginning() -> None:
    """The next window behind a cut that does not know a partition has all of it; windows before have nothing of it."""
    runs = Runs(Topic({0: [100]}))
    runs.plan("later", At(110), At(120))
    runs.topic.stamps |= {0: [100, 125], 1: [101, 126]}
    assert offsets_in(runs.plan("next", At(120), At(130))) == {0: (1, 2), 1: (0, 2)}
    assert offsets_in(runs.plan("earlier", At(100), At(110))) == {0: (0, 1), 1: (0, 0)}
    # Nor have the ones before that: the cut that was made then does not know the partition either.
    assert offsets_in(runs.plan("earliest", At(90), At(100))) == {0: (0, 0), 1: (0, 0)}


def test_a_partition_that_would_be_loaded_twice_is_refused() -> None:
    """Where one neighbour has a part of a new partition, and the other will load it whole, somebody has to look."""
    runs = Runs(Topic({0: [100]}))
    runs.plan("later", At(110), At(120))
    runs.topic.stamps |= {0: [100, 125], 1: [95, 126]}
    assert runs.memory is not None
    for key in ("instants:cluster:orders", "intervals:cluster:orders:hourly.load"):
        del runs.memory.entries[key]
    runs.plan("earlier", At(90), At(100))
    with pytest.raises(NeighboursDiffer, match=r"orders\[1\] was added after .* from its beginning, 0; .* up to 1 "):
        runs.plan("between", At(100), At(110))
    assert offsets_in(replace(runs, on_gap=OnGap.ABSORB).plan("between", At(100), At(110))) == {0: (0, 1), 1: (1, 1)}


def test_a_start_is_not_cut_behind_an_end_that_no_index_has() -> None:
    """The index is a hint: what came late, and for an earlier time, lies behind both cuts of a quiet window."""
    runs = Runs(Topic({0: [100, 101]}))
    assert runs.memory is not None
    claim = Claim("id-1", {0: 1}, Author("daily.load", "before"))
    runs.memory.set(cut_key("cluster", "orders", str(At(110)), Side.START), claim.to_json())
    assert offsets_in(runs.plan("a", At(105), At(110))) == {0: (1, 1)}


def test_a_cut_that_the_log_does_not_have_is_refused() -> None:
    """Deleted records, a shorter log, a topic that was created again or lost a partition: each has its error."""
    runs = Runs(Topic({0: [100, 101, 115]}))
    runs.plan("before", At(100), At(110))
    with pytest.raises(OffsetsExpired, match="starts at 2 but the log starts at 3"):
        replace(runs, topic=Topic({0: [100, 101, 115, 116]}, low=3)).plan("after", At(110), At(120))
    with pytest.raises(LogTooShort, match=r"starts at 2 .* but the log ends at 1; 1 offsets that were there are gone"):
        replace(runs, topic=Topic({0: [100]})).plan("after", At(110), At(120))
    with pytest.raises(TopicReplaced, match=r"the cut 'cut:cluster:orders:.*:end' has offsets .*id-1, but .* id-2 now"):
        replace(runs, topic=Topic({0: [100]}, topic_id="id-2")).plan("after", At(110), At(120))


def test_a_cut_behind_which_a_transaction_is_open_is_waited_for() -> None:
    """A cut that another isolation level has made is not read beyond the last stable offset."""
    runs = Runs(Topic({0: [100, 101, 115]}, stable=1))
    runs.plan("dirty", At(100), At(110), isolation=IsolationLevel.READ_UNCOMMITTED)
    with pytest.raises(OpenTransaction, match="lies beyond the last stable offset 1"):
        runs.plan("clean", At(110), At(120))


def test_an_instant_that_has_not_come_is_waited_for() -> None:
    """The cut of a future instant would leave what comes until then to the next window; it is not made."""
    runs = Runs(Topic({0: [100]}), clock=Clock(115))
    with pytest.raises(InstantAhead, match=r"1970-01-01T00:00:00.120000Z has not come yet"):
        runs.plan("early", At(110), At(120))
    assert runs.memory is not None
    assert runs.memory.entries == {}
    assert offsets_in(replace(runs, clock=Clock(120)).plan("early", At(110), At(120))) == {0: (1, 1)}


def test_without_a_store_the_previous_runs_window_is_used() -> None:
    """Where nothing is remembered, the window that the run before has pushed to XCom has the cut, if it ends there."""
    runs = Runs(Topic({0: [100, 101]}), memory=None)
    before = runs.plan("before", At(90), At(110))
    runs.topic.stamps[0] += [105, 111]
    assert offsets_in(runs.plan("after", At(110), At(120))) == {0: (3, 4)}
    knowing = replace(runs, xcom=("before", before.to_json()))
    after = knowing.plan("after", At(110), At(120))
    assert (offsets_in(after), after.start.source) == ({0: (2, 4)}, "cut of run before")
    assert knowing.plan("not adjacent", At(111), At(120)).start.source == "broker"
    for written in ({**before.to_json(), "topic": "other"}, {"version": 9}):
        assert replace(runs, xcom=("before", written)).plan("after", At(110), At(120)).start.source == "broker"
    with pytest.raises(TopicReplaced, match="the window of run before has offsets"):
        replace(knowing, topic=Topic({0: [100]}, topic_id="new")).plan("after", At(110), At(120))


def test_windows_without_instants_leave_no_cuts() -> None:
    """Offsets and names are resolved by whoever asks."""
    runs = Runs(Topic({0: [1]}))
    runs.plan("a", Earliest(), Latest())
    assert runs.memory is not None
    assert runs.memory.entries == {}


def test_a_log_that_has_grown_since_the_survey_is_surveyed_again() -> None:
    """A cut beyond the end that was surveyed may be of this moment."""
    runs = Runs(Topic({0: [100, 101]}))
    runs.plan("before", At(90), At(110))
    assert offsets_in(replace(runs, topic=Growing({0: [100]}, then=[100, 101])).plan("after", At(110), At(120))) == {
        0: (2, 2)
    }


def test_an_entry_that_was_edited_badly_is_named() -> None:
    """What cannot be read is not guessed at: the key is in the message."""
    runs = Runs(Topic({0: [100]}))
    runs.plan("before", At(90), At(110))
    assert runs.memory is not None
    key = cut_key("cluster", "orders", str(At(110)), Side.END)
    for written in ({"version": 2}, {**json.loads(runs.memory.entries[key]), "offsets": {"0": 1.5}}):
        runs.memory.entries[key] = json.dumps(written)
        with pytest.raises(InvalidInput, match=rf"the cut '{key}' .* cannot be read .* delete it there"):
            runs.plan("after", At(110), At(120))


def test_keys_fit_the_store() -> None:
    """Airflow takes keys of up to 512 characters."""
    assert len(store_key("cut", "c" * 600)) < 512
    assert store_key("cut", "c" * 600) != store_key("cut", "c" * 601)


def test_hours_in_a_row_share_their_cuts() -> None:
    """One after the other, each window starts where the one before it ended."""
    runs = Runs(Topic({0: [9, 10, 11, 10, 12]}))
    windows = [runs.plan(str(hour), hour, after) for hour, after in pairwise([TEN, ELEVEN, TWELVE, ONE])]
    assert [offsets_in(window)[0] for window in windows] == [(1, 2), (2, 4), (4, 5)]


def test_a_partition_that_is_gone_is_named() -> None:
    """A remembered cut of a partition that the topic does not have any more is nothing to go on from."""
    runs = Runs(Topic({0: [100], 1: [100]}))
    runs.plan("before", At(90), At(110))
    with pytest.raises(UnknownPartition, match=r"orders\[1\]"):
        replace(runs, topic=Topic({0: [100]})).plan("after", At(110), At(120))
