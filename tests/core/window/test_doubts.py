"""A time that meets a log start above 0 is proved by the first record that is left, or doubted in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from core.examples import PLANNED_AT, facts_of, offsets_in, plannable
from core.memory import Runs, Topic

from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.bounds import At, Committed, Cut, Earliest, Latest, Offsets, PlannableBound
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.planning import plan_window
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import OffsetsExpired

TEN, LATER, ELEVEN = 1_000, 1_500, 2_000
NOTHING: dict[int, int | None] = {TEN: None, ELEVEN: None}


def log(low: int, first: int | None, at: Mapping[int, int | None], high: int = 800) -> PartitionFacts:
    """Return a partition that starts at ``low``, with a first record of this time."""
    return PartitionFacts(3, low=low, high=high, stable=high, at=at, first=first)


FROM_LATER = {TEN: 500, ELEVEN: 700}
REMEMBERED = Cut(At(TEN), {3: 500}, "cut of run n")


def planned(
    start: PlannableBound, end: PlannableBound, facts: PartitionFacts, loss: OnDataLoss = OnDataLoss.FAIL
) -> Window:
    """Plan a window of one partition."""
    return plan_window(facts_of(facts, group="g"), plannable(start, end, loss=loss), PLANNED_AT)


@pytest.mark.parametrize(
    ("start", "end", "facts", "range_"),
    [
        pytest.param(At(TEN), At(ELEVEN), log(0, None, {TEN: 0, ELEVEN: 700}), (0, 700), id="a fresh topic"),
        pytest.param(At(TEN), At(ELEVEN), log(500, TEN - 1, {TEN: 501, ELEVEN: 700}), (501, 700), id="older is left"),
        pytest.param(At(TEN), At(ELEVEN), log(500, TEN - 1, NOTHING), (800, 800), id="only older ones are left"),
        pytest.param(Earliest(), Latest(), log(500, None, {}), (500, 800), id="what is left is asked for"),
        pytest.param(Earliest(), At(ELEVEN), log(500, LATER, FROM_LATER), (500, 700), id="from what is left"),
        pytest.param(Earliest(), At(ELEVEN), log(500, None, NOTHING, 500), (500, 500), id="nothing is left of nothing"),
        pytest.param(REMEMBERED, At(ELEVEN), log(500, LATER, FROM_LATER), (500, 700), id="the cut is remembered"),
        pytest.param(REMEMBERED, At(ELEVEN), log(500, None, NOTHING, 500), (500, 500), id="remembered, and quiet"),
        pytest.param(REMEMBERED, At(ELEVEN), log(500, 9_000, {ELEVEN: 500}), (500, 500), id="remembered, and empty"),
        pytest.param(Offsets(500, {}), At(ELEVEN), log(500, LATER, FROM_LATER), (500, 700), id="from an offset"),
    ],
)
def test_what_the_log_proves_is_planned(
    start: PlannableBound, end: PlannableBound, facts: PartitionFacts, range_: tuple[int, int]
) -> None:
    """An offset, a remembered cut and an older record that is left prove that nothing in between has expired."""
    window = planned(start, end, facts)
    assert offsets_in(window) == {3: range_}
    assert window.possibly_missing == ()


@pytest.mark.parametrize(
    ("start", "end", "facts", "said"),
    [
        pytest.param(At(TEN), At(ELEVEN), log(500, LATER, FROM_LATER), "first record left 1970-01-01T00:00:01.500000Z"),
        pytest.param(At(TEN), At(ELEVEN), log(500, TEN, FROM_LATER), "first record left 1970-01-01T00:00:01Z"),
        pytest.param(At(TEN), Latest(), log(500, LATER, {TEN: 510}), "first record left 1970", id="compacted"),
        pytest.param(At(TEN), At(ELEVEN), log(500, None, NOTHING, 500), "no record is left", id="all of it expired"),
        pytest.param(At(TEN), At(ELEVEN), log(500, None, NOTHING), "no record is left", id="records without times"),
        pytest.param(Earliest(), At(TEN), log(500, LATER, FROM_LATER), "older than 1970-01-01T00:00:01Z", id="the end"),
        pytest.param(At(TEN), At(ELEVEN), log(500, 10**18, FROM_LATER), f"left {10**18} ms after", id="no such year"),
    ],
)
def test_what_the_log_does_not_prove_is_refused_or_recorded(
    start: PlannableBound, end: PlannableBound, facts: PartitionFacts, said: str
) -> None:
    """Where the first record left is no older than the instant, what came before it may have expired unseen."""
    with pytest.raises(OffsetsExpired, match=r"orders\[3\]: may be missing: orders\[3\]@\[\?, 500\)") as refused:
        planned(start, end, facts)
    assert said in str(refused.value)
    window = planned(start, end, facts, OnDataLoss.SKIP)
    assert window.possibly_missing == ("orders[3]@[?, 500)",)
    assert Window.from_json(window.to_json()) == window


def test_a_fallback_that_is_a_time_is_proved_too() -> None:
    """Of a partition in which the group has committed nothing, the window starts at an instant like any other."""
    request = replace(plannable(Committed(), Latest()), first_start=At(TEN))
    with pytest.raises(OffsetsExpired, match=r"may be missing: orders\[3\]@\[\?, 500\)"):
        plan_window(facts_of(log(500, LATER, FROM_LATER), group="g"), request, PLANNED_AT)
    committed = replace(log(500, LATER, FROM_LATER), committed=600)
    assert offsets_in(plan_window(facts_of(committed, group="g"), request, PLANNED_AT)) == {3: (600, 800)}


def test_hours_that_have_expired_are_not_loaded_as_if_they_were_whole() -> None:
    """Report B02: two of four records are deleted; the hours that they were in are refused, the others are loaded."""
    runs = Runs(Topic({0: [100, 105, 115, 125]}, low=2))
    for hour in (At(90), At(100)), (At(100), At(110)), (At(110), At(120)):
        with pytest.raises(OffsetsExpired, match=r"may be missing: orders\[0\]@\[\?, 2\), first record left"):
            runs.plan("hour", *hour)
    assert runs.memory is not None
    assert not runs.memory.entries
    assert offsets_in(runs.plan("whole", At(120), At(130))) == {0: (3, 4)}


def test_a_cut_that_is_made_next_to_a_later_one_is_proved_too() -> None:
    """An hour before hours that are loaded asks the broker, though its cut is held against what is remembered."""
    runs = Runs(Topic({0: [100, 105, 115, 125]}))
    runs.plan("later", At(120), At(130))
    runs.topic.low = 2
    with pytest.raises(OffsetsExpired, match=r"may be missing: orders\[0\]@\[\?, 2\)"):
        runs.plan("hour", At(110), At(120))
    window = replace(runs, on_data_loss=OnDataLoss.SKIP).plan("hour", At(110), At(120))
    assert (offsets_in(window), window.possibly_missing) == ({0: (2, 3)}, ("orders[0]@[?, 2)",))
