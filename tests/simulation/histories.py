"""Histories: drawn at random, all of them up to some number of faults, and the shortest that still fails."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from simulation.stage import Stage, scripted
from simulation.steps import AROUND, Case, Faults, Misfit, Move, Place, Way

from airflow_provider_kafka_odps.core.options import Mode, OnRerun

_PROBABILITIES = (0.04, 0.1, 0.25)
_MOST_AT_ONE_PLACE = 3
_OF_REJECTS = {"write rejects", "save publishing", "publish", "ask for the rejects"}
_RARE = 0.4
"""How often something that may seldom happen is preferred to what may happen anywhere."""


def cases(attempts: int, misfits: Sequence[Misfit] = tuple(Misfit)) -> list[Case]:
    """Return every kind of run, with up to so many disturbed attempts."""
    kinds = [
        *[(Mode.APPEND, on_rerun, True) for on_rerun in OnRerun],
        # `replace` is refused up front where rows cannot be found; overwrite never looks for rows.
        *[(Mode.APPEND, on_rerun, False) for on_rerun in OnRerun if on_rerun is not OnRerun.REPLACE],
        *[(Mode.OVERWRITE, on_rerun, False) for on_rerun in OnRerun],
    ]
    return [
        Case(*kind, ways, records, misfit)
        for kind, ways, records, misfit in product(kinds, product(Way, repeat=attempts - 1), (2, 0), misfits)
        # What a rerun does makes no difference to those that nobody clears.
        if (Way.CLEAR in ways or kind[1] is OnRerun.KEEP)
        # Without records there are no rejects; overwrite replaces whatever it is that the user wants.
        and (misfit is Misfit.NEVER or (records and kind[:2] != (Mode.OVERWRITE, OnRerun.REPLACE)))
    ]


@dataclass(frozen=True, slots=True)
class CounterExample:
    """A history that breaks the promise."""

    case: Case
    faults: Faults
    problem: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        faults = "".join(f"\n  {place}: {', then '.join(moves)}" for place, moves in self.faults.items())
        code = {(place.attempt, place.effect, place.count): [m.name for m in ms] for place, ms in self.faults.items()}
        story = "\n  ".join(self.trace)
        return f"{self.problem}\n{self.case}{faults}\nas code: {self.case!r}, {code}\n  {story}"


def play(stage: Stage) -> CounterExample | None:
    """Play a history; return it if it breaks the promise."""
    try:
        stage.play()
    except Exception as error:  # noqa: BLE001 - whatever is not foreseen is a counter-example too
        problem = f"{type(error).__name__}: {error}"
        if not isinstance(error, AssertionError):
            problem += f"\n{''.join(traceback.format_tb(error.__traceback__)[-3:])}"
        return CounterExample(stage.case, dict(stage.faults), problem, tuple(map(_line, stage.trace)))
    return None


def _line(told: str | tuple[int, str]) -> str:
    return told if isinstance(told, str) else f"attempt {told[0]}: {told[1]}"


def replay(case: Case, faults: Faults) -> CounterExample | None:
    """Play a history that is written down."""
    return play(Stage(case, scripted(faults)))


def at_random(seed: int) -> Stage:
    """Return the history of this number."""
    random = Random(seed)
    probability = random.choice(_PROBABILITIES)

    def choose(_: Place, happened: int, may: Callable[[], list[Move]]) -> Move | None:
        if random.random() >= probability or happened >= _MOST_AT_ONE_PLACE:
            return None
        moves = may()
        rare = [move for move in moves if move in AROUND]
        return random.choice(rare if rare and random.random() < _RARE else moves) if moves else None

    return Stage(random.choice(_CASES), choose)


_CASES = cases(3)


def all_of(case: Case, faults: int, before: Faults | None = None) -> Iterator[Stage]:
    """Yield every history of a case with at most so many faults; each has to be played before the next is asked for."""
    before = before or {}
    # Two faults that are both far from rejects are played in the same case without them.
    near = case.misfit is Misfit.NEVER or faults != 1 or any(place.effect in _OF_REJECTS for place in before)
    seen: list[tuple[Place, list[Move]]] = []
    script = scripted(before)
    pending = sum(len(moves) for moves in before.values())

    def choose(place: Place, happened: int, may: Callable[[], list[Move]]) -> Move | None:
        nonlocal pending
        move = script(place, happened, may)
        if move is not None:
            pending -= 1
        elif not pending:
            seen.append((place, may()))
        return move

    yield Stage(case, choose)
    if faults:
        for place, may in seen:
            for move in may if near or place.effect in _OF_REJECTS else ():
                yield from all_of(case, faults - 1, {**before, place: (*before.get(place, ()), move)})


def shrunk(found: CounterExample) -> CounterExample:
    """Return the shortest history that still breaks the promise, by leaving out one fault after another."""
    for place, moves in found.faults.items():
        for index in range(len(moves)):
            left = {**found.faults, place: (*moves[:index], *moves[index + 1 :])}
            shorter = replay(found.case, {at: some for at, some in left.items() if some})
            if shorter is not None:
                return shrunk(shorter)
    return found


def first_counter_example(start: int, histories: int) -> tuple[int, str] | None:
    """Play so many random histories; return the number of the first that breaks the promise, and its shortest form."""
    # What one history leaves goes in circles, and there is little of it: collecting after every few costs a third.
    gc.collect()
    gc.disable()
    try:
        for number in range(start, start + histories):
            if found := play(at_random(number)):
                return number, str(shrunk(found))
    finally:
        gc.enable()
    return None
