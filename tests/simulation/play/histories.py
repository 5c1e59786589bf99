"""Histories: drawn at random, all of them up to some number of faults, and the shortest that still fails."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from simulation.play.actors import Scene
from simulation.play.fingerprints import fingerprint
from simulation.play.stage import Stage, scripted
from simulation.play.steps import AROUND, LOSSES, Faults, Move, Place

Make: TypeAlias = Callable[[], Scene]
"""Makes the scene of a case anew."""
_PROBABILITIES = (0.04, 0.1, 0.25)
_MOST_AT_ONE_PLACE = 3
_RARE = AROUND - LOSSES - {Move.ARRIVE, Move.ADD} | {Move.LIE, Move.REFUSE, Move.CLOSING, Move.MARK}
_PREFERRED = 0.4
"""How often something that may seldom happen is preferred to what may happen anywhere."""
_LOST = 0.2
"""How many of the losses that are drawn happen: they end most histories early."""


class _Seen(BaseException):
    """From here on, everything was played before."""


@dataclass(frozen=True, slots=True)
class CounterExample:
    """A history that breaks the promise."""

    make: Make
    case: object
    faults: Faults
    problem: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        faults = "".join(f"\n  {place}: {', then '.join(moves)}" for place, moves in self.faults.items())
        code = {(place.attempt, place.effect, place.count): [m.name for m in ms] for place, ms in self.faults.items()}
        story = "\n  ".join(self.trace)
        return f"{self.problem}\n{self.case}{faults}\nas code: {self.case!r}, {code}\n  {story}"


@dataclass
class Played:
    """How many histories were played, and how many were left where they met what was played before."""

    whole: int = 0
    met: int = 0


def play(make: Make, choose: Callable[[Stage], Callable[..., Move | None]]) -> tuple[Stage, CounterExample | None]:
    """Play a history; return it, and as a counter-example if it breaks the promise."""
    scene = make()
    stage = Stage(scene, scripted({}))
    stage.choose = choose(stage)
    try:
        stage.play()
    except Exception as error:  # noqa: BLE001 - whatever is not foreseen is a counter-example too
        problem = f"{type(error).__name__}: {error}"
        if not isinstance(error, AssertionError):
            problem += f"\n{''.join(traceback.format_tb(error.__traceback__)[-3:])}"
        found = CounterExample(make, scene.case, dict(stage.faults), problem, tuple(map(_line, stage.trace)))
        return stage, found
    return stage, None


def _line(told: str | tuple[int, str]) -> str:
    return told if isinstance(told, str) else f"attempt {told[0]}: {told[1]}"


def replay(make: Make, faults: Faults) -> CounterExample | None:
    """Play a history that is written down."""
    return play(make, lambda _: scripted(faults))[1]


def at_random(make: Make, random: Random) -> tuple[Stage, CounterExample | None]:
    """Play a history that is drawn."""
    probability = random.choice(_PROBABILITIES)

    def choose(_: Place, happened: int, may: Callable[[], list[Move]]) -> Move | None:
        if random.random() >= probability or happened >= _MOST_AT_ONE_PLACE:
            return None
        moves = may()
        rare = [move for move in moves if move in _RARE]
        likely = rare if rare and random.random() < _PREFERRED else moves
        move = random.choice(likely) if likely else None
        return None if move in LOSSES and random.random() >= _LOST else move

    return play(make, lambda _: choose)


@dataclass
class Exhaustive:
    """All histories of a case with at most so many faults.

    A history is played from its beginning, with its faults. Behind the last of these, the moment is looked up among
    those in which another history was left with as many faults still to come: what can follow is the same, and is not
    played again.
    """

    make: Make
    played: Played = field(default_factory=Played)
    _seen: dict[Hashable, int] = field(default_factory=dict)

    def counter_examples(self, faults: int, before: Faults | None = None) -> Iterator[CounterExample]:
        """Play them; yield those that break the promise."""
        before = before or {}
        branches: list[tuple[Place, list[Move]]] = []
        try:
            found = self._play(faults, before, branches)
        except _Seen:
            self.played.met += 1
            return
        self.played.whole += 1
        if found:
            yield found
        if faults:
            for place, moves in branches:
                for move in moves:
                    then = {**before, place: (*before.get(place, ()), move)}
                    yield from self.counter_examples(faults - 1, then)

    def _play(self, faults: int, before: Faults, branches: list[tuple[Place, list[Move]]]) -> CounterExample | None:
        script, pending, looked = scripted(before), sum(map(len, before.values())), False

        def choose_of(stage: Stage) -> Callable[..., Move | None]:
            def choose(place: Place, happened: int, may: Callable[[], list[Move]]) -> Move | None:
                nonlocal pending, looked
                move = script(place, happened, may)
                if move is not None:
                    pending -= 1
                elif not pending:
                    if not looked:
                        looked = True
                        self._look_up(fingerprint(stage, place), faults)
                    if faults:
                        branches.append((place, may()))
                return move

            return choose

        return play(self.make, choose_of)[1]

    def _look_up(self, moment: Hashable, faults: int) -> None:
        if self._seen.get(moment, -1) >= faults:
            raise _Seen
        self._seen[moment] = faults


def shrunk(found: CounterExample) -> CounterExample:
    """Return the shortest history that still breaks the promise, by leaving out one fault after another."""
    for place, moves in found.faults.items():
        for index in range(len(moves)):
            left = {**found.faults, place: (*moves[:index], *moves[index + 1 :])}
            shorter = replay(found.make, {at: some for at, some in left.items() if some})
            if shorter is not None:
                return shrunk(shorter)
    return found


def first_counter_example(draw: Callable[[Random], Make], start: int, histories: int) -> tuple[int, str] | None:
    """Play so many random histories; return the number of the first that breaks the promise, and its shortest form."""
    # What one history leaves goes in circles, and there is little of it: collecting after every few costs a third.
    gc.collect()
    gc.disable()
    try:
        for number in range(start, start + histories):
            random = Random(number)
            if found := at_random(draw(random), random)[1]:
                return number, str(shrunk(found))
    finally:
        gc.enable()
    return None
