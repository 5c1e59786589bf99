"""How many blocks are written at a time, once the service has asked for less."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.pacing.slots import Allowance, Slots
from airflow_provider_kafka_odps.exceptions import Cancelled

MOST = st.integers(0, 64)
STEPS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 64)), max_size=20)
"""Seconds until the next refusal, and how many blocks are written then."""


@given(most=MOST, steps=STEPS)
def test_it_is_never_none_and_never_more_than_at_first(most: int, steps: list[tuple[int, int]]) -> None:
    """However often and whenever the service refuses: one block can always be written."""
    allowance, now = Allowance(most), 0.0
    for seconds, writing in steps:
        now += seconds
        before = allowance.limit(now)
        allowance.refused(writing, now)
        assert 1 <= allowance.limit(now) <= before <= max(1, most)


@given(most=MOST, steps=STEPS)
def test_it_comes_back_slowly_and_wholly(most: int, steps: list[tuple[int, int]]) -> None:
    """Each half minute without a refusal adds one, up to as many as at first."""
    allowance, now = Allowance(most), 0.0
    for seconds, writing in steps:
        now += seconds
        allowance.refused(writing, now)
    limits = [allowance.limit(now + 10.0 * step) for step in range(3 * 70)]
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(limits))
    assert all(later - earlier <= 1 for earlier, later in zip(limits, limits[3:], strict=False))
    assert limits[-1] == max(1, most)


def test_what_several_lanes_are_told_at_once_counts_once() -> None:
    """Eight lanes of which five are refused in one second are four, not none; five seconds later it is said again."""
    allowance = Allowance(8)
    for number in range(5):
        allowance.refused(8, now=number / 5)
    assert allowance.limit(now=1.0) == 4
    allowance.refused(4, now=6.0)
    assert allowance.limit(now=6.0) == 2


@pytest.mark.parametrize(("writing", "then"), [(16, 8), (6, 3), (1, 1), (0, 8)])
def test_it_is_half_of_what_was_written(writing: int, then: int) -> None:
    """Of sixteen that might be, six are: eight would change nothing. Before the first block, it is half of all."""
    allowance = Allowance(16)
    allowance.refused(writing, now=0.0)
    assert allowance.limit(now=0.0) == then


def _never() -> None:
    """Ask nobody to stop."""


def test_a_block_waits_until_one_may_be_written_again() -> None:
    """With two lanes and a refusal there is one slot; half a minute later there are two again."""
    clock, refusals = HandClock(), Refusals(lambda _: None)
    slots = Slots(2, refusals, _never, clock)
    with slots.slot(), slots.slot():
        refusals.add("FlowExceeded")
    fewer: list[bool] = []
    with slots.slot():
        fewer.append(slots.are_fewer)
        with slots.slot():
            fewer.append(slots.are_fewer)
    assert clock.seconds == pytest.approx(30, abs=0.3)
    assert fewer == [True, False]


def test_a_slot_is_given_back_also_after_an_error() -> None:
    """A try that fails leaves room for the next one."""
    slots = Slots(1, Refusals(lambda _: None), _never, HandClock())
    for _ in range(3):
        with pytest.raises(ConnectionError), slots.slot():
            raise ConnectionError
    with slots.slot():
        pass


def test_what_was_refused_before_the_first_block_counts() -> None:
    """The session was opened at the second try: half of the lanes begin."""
    refusals = Refusals(lambda _: None)
    refusals.add("FlowExceeded")
    clock = HandClock()
    slots = Slots(4, refusals, _never, clock)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(slots.slot())
        assert (slots.are_fewer, clock.seconds) == (True, 0)
        held.enter_context(slots.slot())
        assert clock.seconds >= 30


def test_a_wait_for_a_slot_can_be_broken_off() -> None:
    """A task that is asked to stop waits for no other lane."""
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Cancelled("the task was asked to stop")

    slots = Slots(1, Refusals(lambda _: None), check, HandClock())
    with slots.slot(), pytest.raises(Cancelled), slots.slot():
        raise AssertionError("two slots of one")


def test_a_refusal_is_told_once_and_counted_always() -> None:
    """One line has the service's words, what it means for the table and what to do; twenty lanes add none."""
    lines: list[str] = []
    refusals = Refusals(lines.append)
    lanes = [threading.Thread(target=refusals.add, args=("FlowExceeded: too fast",)) for _ in range(20)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    (line,) = lines
    for words in ("FlowExceeded: too fast", "Nothing is lost", "slower", "concurrency", "another time", "quota_name"):
        assert words in line
    assert refusals.count == 20
