"""How the promise may be broken: what could happen in which situation, and what of it is not played yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from simulation.outside.world import SimulatedWorld
from simulation.play.steps import LOSSES, Faults, Move
from simulation.several.cases import Runs
from simulation.single.cases import Case

from airflow_provider_kafka_odps.core.journal.entry import Phase


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
    """Tell whether others act between an attempt's last look at the interval's journal and its write."""
    return isinstance(now.case, Runs) and now.effect == "set journal" and now.lets_others_act


def lost_after_a_removal(now: Situation) -> bool:
    """Tell whether records are lost, or the sessions, after rows were removed that are to be replaced."""
    return bool(now.world.statements) and now.move in {*LOSSES, Move.GONE, Move.COMPACT}


def interval_behind(now: Situation) -> bool:
    """Tell whether a run that commits ends while the interval's journal is still that of an earlier phase."""
    if not isinstance(now.case, Runs) or now.plans:
        return False
    own = now.world.journals[now.run]["phase"]
    shared = [
        json.loads(text)["journal"]["phase"] for key, text in now.world.asset.items() if key.startswith("journal:")
    ]
    behind = bool(shared) and shared[0] in {Phase.PLANNED, Phase.UPLOADING}
    committing = own == Phase.COMMITTING and now.effect in {"commit", "save committed"}
    return behind and (committing or own == Phase.COMMITTED) and now.move not in {Move.LAND, Move.GONE}


def changed_between_surveys(now: Situation) -> bool:
    """Tell whether the log changes between the surveys of two runs that are planned at once."""
    hours = isinstance(now.case, Runs) and not now.case.chained
    return hours and now.move in {Move.ARRIVE, Move.SHRINK} and not now.alone


def died_while_it_planned(now: Situation) -> bool:
    """Tell whether an attempt dies while it writes what others need of its plan."""
    many = isinstance(now.case, Runs) and not now.case.chained and len(now.case.runs) > 2
    return many and now.move is Move.CRASH and now.effect in {"set cut", "set instants", "set intervals"}


def added_while_another_plans(now: Situation) -> bool:
    """Tell whether a partition is added between the surveys of two runs that are planned at once."""
    return now.move is Move.ADD and not now.alone


def marked_while_it_plans(now: Situation) -> bool:
    """Tell whether a link of a chain is marked as failed, or overtaken, while it plans."""
    return (
        isinstance(now.case, Runs) and now.case.chained and now.plans and (now.move is Move.MARK or now.lets_others_act)
    )


def planned_at_once(now: Situation) -> bool:
    """Tell whether another one of more than two runs is planned while this one is."""
    return (
        isinstance(now.case, Runs)
        and not now.case.chained
        and len(now.case.runs) > 2
        and now.plans
        and now.lets_others_act
    )
