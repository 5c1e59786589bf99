"""How the promise may be broken: what could happen in which situation, and what of it is not played yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from simulation.outside.world import SimulatedWorld
from simulation.play.steps import LOSSES, Faults, Move
from simulation.several.cases import Runs
from simulation.single.cases import Case


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that could happen next to an attempt."""

    case: Case | Runs
    world: SimulatedWorld
    run: str
    marked: bool
    alone: bool
    """Whether no other attempt stands still."""
    effect: str
    move: Move

    @property
    def lets_others_act(self) -> bool:
        """Whether another attempt goes on while this one stands still."""
        return self.move in {Move.NEXT, Move.SWITCH}

    @property
    def plans(self) -> bool:
        """Whether the run has not recorded its window yet."""
        return self.run not in self.world.journals

    @property
    def held_by_another(self) -> bool:
        """Whether the interval's journal is that of another run."""
        return any(holder != self.run for holder in self._holders())

    @property
    def held_by_itself(self) -> bool:
        """Whether the interval's journal is that of this run."""
        return self.run in self._holders()

    def _holders(self) -> list[str]:
        entries = [text for key, text in self.world.asset.items() if key.startswith("journal:")]
        return [json.loads(text)["run_id"] for text in entries]

    @property
    def written(self) -> bool:
        """Whether records are loaded, or about to be."""
        return any(session.blocks for session in self.world.sessions.values())


@dataclass(frozen=True, slots=True)
class Break:
    """One way in which the promise does not hold yet."""

    name: str
    words: str
    """The sequence of events."""
    forbids: Callable[[Situation], bool]
    case: Case | Runs
    faults: Faults
    """A history that shows it."""


def never(_: Situation) -> bool:
    """Forbid nothing: no case among those that are played is like this one."""
    return False


def looked_before_it_writes(now: Situation) -> bool:
    """Tell whether others act between the last look at the interval's journal and its write, after a mark by hand."""
    return isinstance(now.case, Runs) and now.effect == "set journal" and now.marked and now.lets_others_act


def looked_before_it_takes_over(now: Situation) -> bool:
    """Tell whether others act between a run's look at the interval's journal of another one and its taking it over."""
    return isinstance(now.case, Runs) and now.effect == "set journal" and now.held_by_another and now.lets_others_act


def created_again_and_died(now: Situation) -> bool:
    """Tell whether a run that was deleted and created again dies, or hangs, before its first write, and is cleared."""
    ends = now.move is Move.CRASH or now.lets_others_act
    return isinstance(now.case, Runs) and now.plans and now.held_by_itself and ends


def lost_after_a_removal(now: Situation) -> bool:
    """Tell whether records are lost, or the sessions, after rows were removed that are to be replaced."""
    return bool(now.world.statements) and now.move in {*LOSSES, Move.GONE, Move.COMPACT}
