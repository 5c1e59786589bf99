"""Every history of a few attempts with a few faults keeps the promise."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import pytest
from simulation.counting import MET, PLAYED
from simulation.play.histories import Exhaustive, shrunk
from simulation.scenes import scene_of
from simulation.several.cases import Runs, three_attempts, two_attempts
from simulation.single.cases import (
    Case,
    Unfit,
    cases,
    cases_of_gaps,
    cases_of_lanes,
    cases_of_routed,
    cases_of_workers,
    with_filters,
)

FAULTS = int(os.environ.get("FAULTS") or 2)
WHOLE = bool(os.environ.get("WHOLE"))
"""Whether to play also what takes minutes."""
_MENDED = [Unfit.AT_FIRST]
Record = Callable[[str, object], None]
T = TypeVar("T")


def some(cases: Sequence[T], every: int) -> list[T]:
    """Return all cases, or every so many-th where there is little time."""
    return list(cases if WHOLE else cases[::every])


_TWO = [
    *with_filters(some(cases(2, [Unfit.NEVER]), 2)),
    *some(cases(2, _MENDED), 6),
    *some(cases_of_gaps(2), 14),
    *with_filters(some(cases_of_workers(2), 2)),
    *some(cases_of_lanes(2), 8),
    *some(cases_of_routed(2), 2),
]
_THREE = [
    *with_filters(some(cases(3, [Unfit.NEVER]), 2)),
    *some([*cases(3, _MENDED), *cases_of_gaps(3), *cases_of_workers(3), *cases_of_lanes(3)], 4),
    *some(cases_of_routed(3), 3),
]


def check(case: Case | Runs, faults: int, record_property: Record) -> None:
    """Play every history of a case with so many faults."""
    histories = Exhaustive(partial(scene_of, case))
    try:
        for found in histories.counter_examples(faults):
            pytest.fail(f"{shrunk(found)}")
    finally:
        record_property(PLAYED, histories.played.whole)
        record_property(MET, histories.played.met)


@pytest.mark.parametrize("case", _TWO, ids=str)
def test_two_attempts_and_two_faults(case: Case, record_property: Record) -> None:
    """Every history of two attempts with up to two faults keeps the promise; FAULTS=3 plays those of three."""
    check(case, FAULTS, record_property)


@pytest.mark.parametrize("case", _THREE, ids=str)
def test_three_attempts_and_one_fault(case: Case, record_property: Record) -> None:
    """Every history of three attempts with up to one fault keeps the promise."""
    check(case, FAULTS - 1, record_property)


@pytest.mark.timeout(1800 if WHOLE else 300)
@pytest.mark.parametrize("case", some(two_attempts(), 6), ids=str)
def test_two_attempts_of_several_runs_and_two_faults(case: Runs, record_property: Record) -> None:
    """Every history of two runs, an attempt each, with up to two faults keeps the promise."""
    check(case, FAULTS, record_property)


@pytest.mark.parametrize("case", three_attempts(), ids=str)
def test_three_attempts_of_several_runs_and_one_fault(case: Runs, record_property: Record) -> None:
    """Every history of up to three runs, with three attempts in all and up to one fault, keeps the promise."""
    check(case, FAULTS - 1, record_property)
