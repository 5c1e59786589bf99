"""What is known to break the promise does, and is not played."""

from __future__ import annotations

from functools import partial

import pytest
from simulation.breaks import Break, never
from simulation.not_yet import NOT_YET
from simulation.play.histories import replay
from simulation.scenes import scene_of


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(each, id=each.name, marks=pytest.mark.xfail(raises=AssertionError, strict=True, reason=each.words))
        for each in NOT_YET
    ],
)
def test_a_sequence_of_events_keeps_the_promise(known: Break) -> None:
    """Each is expected to fail: who fixes one hears of it here, and deletes its entry in NOT_YET."""
    found = replay(partial(scene_of, known.case, ()), known.faults)
    assert found is None, str(found)


@pytest.mark.parametrize("known", [each for each in NOT_YET if each.forbids is not never], ids=lambda each: each.name)
def test_what_is_known_is_not_played(known: Break) -> None:
    """Histories that are drawn, and all of a case, leave out what is known to break the promise."""
    assert replay(partial(scene_of, known.case), known.faults) is None
