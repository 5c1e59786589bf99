"""Which scene a case is played in, and which case a random history happens to."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from simulation.breaks import Break
from simulation.not_yet import NOT_YET
from simulation.play.actors import Scene
from simulation.several.cases import Runs, drawn, three_attempts
from simulation.several.scene import Several
from simulation.single.cases import (
    Case,
    Where,
    cases,
    cases_of_gaps,
    cases_of_lanes,
    cases_of_routed,
    cases_of_workers,
    filtered,
)
from simulation.single.scene import Single

_LOADS = cases(3)
_GAPS = cases_of_gaps(3)
_WORKERS = cases_of_workers(3)
_LANES = cases_of_lanes(3)
_ROUTED = cases_of_routed(3)
_RUNS = three_attempts()
_FILTERED = 0.4


def scene_of(case: Case | Runs, breaks: Sequence[Break] = NOT_YET) -> Scene:
    """Return the scene of a case, without what is known to break the promise."""
    return Single(case, breaks) if isinstance(case, Case) else Several(case, breaks)


def draw(random: Random) -> Case | Runs:
    """Return a case of three attempts, or of several runs with more of them."""
    kinds: tuple[Sequence[Case | Runs], ...] = (_LOADS, _LOADS, _GAPS, _WORKERS, _LANES, _ROUTED, _RUNS)
    at = random.randrange(len(kinds) + 1)
    case = random.choice(kinds[at]) if at < len(kinds) else drawn(random)
    if isinstance(case, Case) and random.random() < _FILTERED:
        return filtered(case, random.choice(list(Where)))
    return case
