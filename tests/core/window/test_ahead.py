"""A timestamp that lies ahead of the clock makes no cut: it is refused, or looked behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from core.examples import facts_of, offsets_in, plannable
from core.memory import Clock, Runs, Topic
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.history.cuts import Author, Claim, cut_key
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnTimestampAhead
from airflow_provider_kafka_odps.core.window.bounds import At, Cut, Earliest, Latest, Side
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.planning import plan_window
from airflow_provider_kafka_odps.exceptions import InstantAhead, OpenTransaction, TimestampAhead

HOUR = 3_600_000
NOW = 1_000 * HOUR
FAR = 10**18
"""What a producer writes that counts microseconds: a time in 56 000 years."""


def hour(number: float) -> int:
    """Return an instant so many hours before now."""
    return NOW - int(number * HOUR)


def runs_of(*stamps: Sequence[int], **more: Any) -> Runs:
    """Return runs that ignore such timestamps, over a topic of these."""
    topic = Topic(dict(enumerate(map(list, stamps))))
    return replace(Runs(topic, clock=Clock(NOW), on_timestamp_ahead=OnTimestampAhead.IGNORE), **more)


# Report B01, two hours.
REPORTED = [hour(1.9), FAR, hour(1.5), hour(0.8), hour(0.6)]
FIRST, SECOND = (At(hour(2)), At(hour(1))), (At(hour(1)), At(hour(0)))


def test_a_record_far_ahead_of_the_clock_is_named() -> None:
    """Report B01: every later instant would be cut there, and what follows would be in no window."""
    runs = runs_of(REPORTED, on_timestamp_ahead=OnTimestampAhead.FAIL)
    with pytest.raises(
        TimestampAhead, match=rf"(?s)orders\[0\]@1: timestamp {FAR} ms after 1970.*on_timestamp_ahead='ignore'"
    ) as refused:
        runs.plan("first", *FIRST)
    assert not refused.value.retry_helps
    assert runs.memory is not None
    assert not runs.memory.entries


def test_what_follows_is_loaded() -> None:
    """Report B01 with `ignore`: the record is in the window in which it came, and the hours behind it are whole."""
    runs = runs_of(REPORTED)
    assert [offsets_in(runs.plan(str(hour), *hour)) for hour in (FIRST, SECOND)] == [{0: (0, 3)}, {0: (3, 5)}]


def test_a_table_that_was_held_back_catches_up() -> None:
    """Cuts that an earlier release has made at the record stay; the next window has all that came behind it."""
    runs = runs_of(REPORTED)
    assert runs.memory is not None
    claim = Claim("id-1", {0: 1}, Author("hourly.load", "before"))
    runs.memory.set(cut_key("cluster", "orders", str(At(hour(1))), Side.END), claim.to_json())
    assert offsets_in(runs.plan("second", *SECOND)) == {0: (1, 5)}


def test_hours_are_cut_alike_in_any_order() -> None:
    """Planned backwards, the hours meet at the same offsets."""
    runs = runs_of(REPORTED)
    assert [offsets_in(runs.plan(str(hour), *hour)) for hour in (SECOND, FIRST)] == [{0: (3, 5)}, {0: (0, 3)}]


def test_one_looks_from_the_start_of_the_window_on() -> None:
    """A remembered cut bounds the look: an hour costs an hour, and not all that has come since the record did."""
    runs = runs_of([FAR, *(hour(number / 2) for number in range(20, 0, -1))])
    looked = []
    for number in range(10, 0, -1):
        runs.topic.scanned.clear()
        runs.plan(str(number), At(hour(number)), At(hour(number - 1)))
        looked.append(len(runs.topic.scanned))
    # The first has no remembered cut, so it looks for both; what is looked at then ends with what was looked for.
    assert looked[1:-1] == [3] * 8


def test_an_hour_or_less_ahead_is_no_reason() -> None:
    """Clocks differ; Kafka itself takes an hour, from release 4.0 on."""
    near = [hour(0.5), NOW + HOUR, hour(0.4)]
    runs = runs_of(near, on_timestamp_ahead=OnTimestampAhead.FAIL)
    assert offsets_in(runs.plan("near", At(hour(1)), At(hour(0)))) == {0: (0, 1)}
    with pytest.raises(TimestampAhead):
        replace(runs, clock=Clock(NOW - 1)).plan("farther", At(hour(0)), At(NOW + 1))


def test_a_partition_that_is_not_loaded_is_cut_too() -> None:
    """A cut is for all who load the table, so the record is named whichever partitions are asked for."""
    facts = facts_of(
        PartitionFacts(0, 0, 5, 5, at={7: 5}, stamps={7: 8}), PartitionFacts(1, 0, 5, 5, at={7: 2}, stamps={7: FAR})
    )
    with pytest.raises(TimestampAhead, match=r"orders\[1\]@2"):
        plan_window(facts, plannable(Earliest(), At(7), subset=frozenset({0})), Clock(NOW).now())


def test_a_cut_that_another_run_has_made_is_not_doubted() -> None:
    """What is remembered, or lies before a later cut, is decided by offsets."""
    facts = facts_of(PartitionFacts(0, 0, 5, 5, at={7: 2}, stamps={7: FAR}))
    remembered = Cut(At(7), {0: 2}, "cut of run n")
    assert offsets_in(plan_window(facts, plannable(remembered, Latest()), Clock(NOW).now())) == {0: (2, 5)}
    capped = Cut(At(7), {0: 1}, "broker", remembered=False)
    assert offsets_in(plan_window(facts, plannable(capped, Latest()), Clock(NOW).now())) == {0: (1, 5)}


def test_the_first_record_left_may_lie_too() -> None:
    """Where it is the oldest by its offset and not by its time, the next one proves what the log reaches back to."""
    stamps = [hour(9), FAR, hour(3), hour(1.5), hour(0.5)]
    runs = runs_of(stamps)
    runs.topic.low = 1
    assert offsets_in(runs.plan("whole", *FIRST)) == {0: (3, 4)}


def test_an_instant_that_only_such_a_record_has_reached_has_not_come() -> None:
    """The record says nothing about the time that the topic has reached."""
    with pytest.raises(InstantAhead):
        runs_of([hour(1), FAR]).plan("early", At(hour(2)), At(hour(-0.5)))


def test_what_an_open_transaction_hides_is_waited_for() -> None:
    """Beyond the last stable offset nothing is looked at, and no cut is made."""
    runs = runs_of(REPORTED)
    runs.topic.stable = 3
    with pytest.raises(OpenTransaction):
        runs.plan("second", *SECOND)
    assert max(runs.topic.scanned) < runs.topic.stable
    assert offsets_in(runs.plan("dirty", *SECOND, isolation=IsolationLevel.READ_UNCOMMITTED)) == {0: (3, 5)}


@given(
    st.lists(st.one_of(st.integers(0, 50), st.just(1_000)), max_size=20),
    st.permutations(range(5)),
    st.lists(st.one_of(st.integers(0, 50), st.just(1_000)), max_size=5),
)
def test_windows_tile_whatever_the_timestamps_say(early: list[int], order: list[int], late: list[int]) -> None:
    """Hours in any order, false timestamps anywhere, records that come in between: no hole and no overlap."""
    runs = runs_of([hour(60 - each) if each <= 50 else FAR for each in early])
    windows = {}
    for number in order:
        windows[number] = runs.plan(str(number), At(hour(60 - 10 * number)), At(hour(50 - 10 * number)))
        runs.topic.stamps[0] += [hour(60 - each) if each <= 50 else FAR for each in late[number : number + 1]]
    for number in range(4):
        assert windows[number].ranges[0].end == windows[number + 1].ranges[0].start
