"""Planners at the same moment: with the lock windows tile and nobody is stuck, without it the model finds both."""

from __future__ import annotations

import os
from random import Random, SystemRandom

import pytest
from simulation.planners import BrokenPlans, Planners

PLANNERS = int(os.environ.get("PLANNERS") or 1_000)
SEED = int(os.environ.get("SEED") or SystemRandom().randrange(10**9))


def history(number: int, *, locked: bool, chained: bool) -> Planners:
    """Return the history of this number, which is still to be played."""
    random = Random(number)
    return Planners(random, locked=locked, chained=chained, runs=random.randrange(4, 7))


def broken(number: int, *, locked: bool, chained: bool) -> str | None:
    """Play a history; return what it breaks, and how it came to that."""
    played = history(number, locked=locked, chained=chained)
    try:
        played.play()
    except BrokenPlans as error:
        story = "\n  ".join(line[:300] for line in played.trace)
        return f"{error}\nSEED={number} PLANNERS=1 shows it again\n  {story}"
    return None


@pytest.mark.timeout(0)
@pytest.mark.parametrize("chained", [False, True], ids=["intervals", "a chain"])
def test_with_the_lock_windows_tile_and_nobody_is_stuck(chained: bool) -> None:
    """PLANNERS random histories from number SEED on: stalls longer than the session, deaths, late writes, clears."""
    for number in range(SEED, SEED + PLANNERS):
        if found := broken(number, locked=True, chained=chained):
            pytest.fail(found)


@pytest.mark.parametrize("chained", [False, True], ids=["intervals", "a chain"])
def test_without_the_lock_the_model_finds_what_breaks(chained: bool) -> None:
    """The same histories, planned the way that is left without the right to join: some are stuck or overlap."""
    assert any(broken(number, locked=False, chained=chained) for number in range(600))


def test_whatever_may_happen_does() -> None:
    """In a few hundred histories planners wait, die, stand still for too long and are superseded, and lose the lock."""
    told: list[str] = []
    for number in range(200):
        played = history(number, locked=True, chained=number % 2 == 0)
        played.play()
        told += played.trace
    for what in (
        *["waits", " dies", "session ends", "is superseded", "PlannedAtOnce: ", "Superseded: ", "PredecessorPending: "],
        *["partition 2 is added", " comes, of ", "deletes instants:"],
    ):
        assert any(what in line for line in told), what
