"""The simulation in short, run with ``python -m mutants.model``: ends with 1 where a history breaks the promise."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from functools import partial
from random import Random

from simulation.play.histories import CounterExample, Exhaustive, at_random, shrunk
from simulation.scenes import draw, scene_of
from simulation.several.cases import Runs, three_attempts
from simulation.single.cases import (
    Case,
    Unfit,
    cases,
    cases_of_gaps,
    cases_of_lanes,
    cases_of_routed,
    cases_of_workers,
)

_RANDOM = 500


def counter_examples() -> Iterator[CounterExample]:
    """Yield what breaks the promise: all histories of many cases with one fault, and some random ones."""
    loads = [
        *cases(2, [Unfit.NEVER, Unfit.AT_FIRST]),
        *cases_of_gaps(2)[::8],
        *cases_of_workers(2),
        *cases_of_lanes(2)[::4],
        *cases_of_routed(2),
    ]
    played: list[Case | Runs] = [*loads, *three_attempts()]
    for case in played:
        yield from Exhaustive(partial(scene_of, case)).counter_examples(1)
    for number in range(_RANDOM):
        random = Random(number)
        found = at_random(partial(scene_of, draw(random)), random)[1]
        if found:
            yield found


if __name__ == "__main__":
    gc.disable()
    first = next(counter_examples(), None)
    if first is not None:
        sys.stdout.write(f"{shrunk(first)}\n")
        sys.exit(1)
