"""Random histories of one task instance: what goes wrong is drawn from a seed, and whatever fails is made short."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from delivery.crash_points import ASK_TO_STOP, KILL, STOP
from delivery.forkserver import Ended
from delivery.rejecting import REJECTS, RejectsTo, visible_rejects
from delivery.scene import OLD_ROW, PATIENCE, Running, Scene

from airflow_provider_kafka_odps.local.faults import Fault
from airflow_provider_kafka_odps.local.testing import (
    Corrupt,
    Delay,
    Drop,
    Expire,
    ForceStatus,
    Moment,
    Operation,
    Refuse,
    Slow,
    Truncate,
)

POINTS = [
    *["survey", "save planned", "announce", "topic id", "ensure", "open", "save uploading", "block 0"],
    *["read", "batch", "block 1", "batch #2", "read to the end #2", "topic id #2", "save committing", "commit"],
    *["save committed", "reconcile", "end", "status", "count", "save replacing", "start removal", "save replacing #2"],
    *["await removal"],
]
OF_REJECTS = ["rejects open", "rejects block 0", "save publishing", "rejects status", "rejects commit"]
OF_MERGES = ["look at the staged", "save merging", "start merge", "await merge", "drop the staged"]
TWICE = ["commit", "save committing", "save committed", "block 1"]
"""Where it matters most: drawn as often as all of the others."""
ANYWHERE: list[Fault] = [
    Drop(Moment.BEFORE),
    Drop(Moment.AFTER),
    Refuse(429, "FlowExceeded", retry_after=0),
    Refuse(500, "InternalServerError"),
    Refuse(503),
    Truncate(0),
    Truncate(7),
    Delay(0.2),
    Delay(2.0),
    Slow(2.0),
]
FAULTS: dict[Operation, list[Fault]] = {
    Operation.CREATE_UPLOAD: ANYWHERE,
    Operation.WRITE_BLOCK: [*ANYWHERE, Corrupt(40), Expire()],
    Operation.COMMIT_UPLOAD: [*ANYWHERE, Expire()],
    Operation.RELOAD_UPLOAD: [*ANYWHERE, ForceStatus("closing"), ForceStatus("committing"), Expire()],
}
# Statements that move or remove rows take up to a second on a busy machine, and are no fault.
IMPATIENT = {"total": 3.0, "connect": 1.5, "read": 1.5, "first_pause": 0.05, "longest_pause": 0.2}
_LONGEST = 9
_ROUTED = 0.4
_UNTIL_WELL = 12
"""How many attempts in a row may fail once nothing new goes wrong: the faults have to be used up."""
_TRIES_TO_SHORTEN = 40


class Kind(StrEnum):
    """What may happen next to a task instance."""

    RUN = "run an attempt"
    KILL = "kill an attempt at"
    STOP = "let an attempt stand still at"
    ASK = "ask an attempt to stop at"
    WAKE = "let an attempt that stands still go on"
    CLEAR = "clear the task"
    FAULT = "have the service fail"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    kind: Kind
    point: str = ""
    operation: Operation = Operation.ANY
    fault: Fault | None = None
    nth: int = 1
    times: int = 1

    def __str__(self) -> str:
        if self.fault is None:
            return f"{self.kind} {self.point}".strip()
        return f"{self.kind}: {self.operation.value} {self.nth} to {self.nth + self.times - 1}: {self.fault}"


@dataclass(frozen=True, slots=True)
class History:
    """What happens to one task instance, one after the other."""

    mode: str
    on_rerun: str
    steps: tuple[Step, ...]
    rejects_to: RejectsTo | None = None
    """None: every record fits."""
    workers: int = 1
    lanes: int = 0
    """How many blocks each process writes at a time; 0: one effect comes after the other."""
    routed: bool = False
    """Whether records say their partitions: rows are staged then, and appended."""

    def __str__(self) -> str:
        run = f"mode {self.mode}, on_rerun {self.on_rerun}, {self.rejects_to or 'no rejects'}, workers {self.workers}"
        run += f", lanes {self.lanes}"
        run += ", routed" * self.routed
        lines = [run, *map(str, self.steps), "attempts until one ends well"]
        return "\n".join(f"{number}. {line}" if number else line for number, line in enumerate(lines))


class PromiseBroken(AssertionError):
    """A history after which the table is not what it should be."""


def histories(seed: int, steps: int) -> Iterator[History]:
    """Draw histories that have that many steps together."""
    chance = random.Random(seed)
    while steps > 0:
        length = min(chance.randint(3, _LONGEST), steps)
        steps -= length
        rejects_to = chance.choice([None, None, *RejectsTo])
        routed = rejects_to is None and chance.random() < _ROUTED
        special = OF_MERGES if routed else OF_REJECTS * (rejects_to is not None)
        points = [*POINTS, *TWICE * 5, *special * 5]
        yield History(
            mode="append" if routed else chance.choice(["append", "overwrite"]),
            on_rerun=chance.choice(["keep", "keep", "replace", "replace", "fail"]),
            steps=tuple(_step(chance, points) for _ in range(length)),
            rejects_to=rejects_to,
            # A worker takes a second to start.
            workers=chance.choice([1] * 7 + [2]),
            lanes=chance.choice([0, 2]),
            routed=routed,
        )


def _step(chance: random.Random, points: Sequence[str]) -> Step:
    kinds = [*Kind, Kind.KILL, Kind.KILL, Kind.STOP, Kind.FAULT, Kind.FAULT]
    kind = chance.choice(kinds)
    match kind:
        case Kind.RUN | Kind.WAKE | Kind.CLEAR:
            return Step(kind)
        case Kind.KILL | Kind.ASK | Kind.STOP:
            return Step(kind, chance.choice(points))
        case Kind.FAULT:
            operation = chance.choice(list(FAULTS))
            return Step(
                kind, "", operation, chance.choice(FAULTS[operation]), chance.randint(1, 3), chance.randint(1, 3)
            )
        case _:
            assert_never(kind)


@dataclass
class Walker:
    """Takes the steps of one history on a task instance of its own, and looks at the table after each."""

    scene: Scene
    asleep: list[Running] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def walk(self, history: History) -> None:
        """Take all steps, then run attempts until one ends well.

        Raises PromiseBroken as soon as a row is missing or doubled, and where no attempt ends well any more.
        """
        for step in history.steps:
            self._note(step, self._take(step))
            self._look()
        while self.asleep:
            self._note("let it go on", self._wake())
            self._look()
        for number in range(_UNTIL_WELL):
            if number == _UNTIL_WELL // 2:
                # On a busy machine it may be no fault that is answered late.
                self.scene.patience = dict(PATIENCE)
                self.scene.parameters["commit_timeout"] = PATIENCE["total"]
            ended = self.scene.attempt()
            self._note("run an attempt", ended)
            self._look()
            if ended.receipt or ended.error == "AlreadyLoaded":
                self._hold(self._rows() == "whole", "the last attempt ended well, but not all rows are there")
                return
        self._hold(condition=False, complaint="no attempt ends well any more")

    def _take(self, step: Step) -> Ended | None:
        match step.kind:
            case Kind.RUN:
                return self.scene.attempt()
            case Kind.KILL:
                return self.scene.attempt({step.point: KILL})
            case Kind.ASK:
                return self.scene.attempt({step.point: ASK_TO_STOP})
            case Kind.STOP:
                running = self.scene.start({step.point: STOP})
                if (ended := running.wait()).stopped:
                    self.asleep.append(running)
                return ended
            case Kind.WAKE:
                return self._wake() if self.asleep else None
            case Kind.CLEAR:
                self.scene.clear()
            case Kind.FAULT:
                assert step.fault is not None
                tables = [
                    self.scene.table,
                    f"{self.scene.table}__kafka_staging",
                    self.scene.parameters.get(RejectsTo.TABLE),
                ]
                for table in filter(None, tables):
                    control = self.scene.endpoint.control
                    control.inject(step.operation, step.fault, table=table, nth=step.nth, times=step.times)
            case _:
                assert_never(step.kind)
        return None

    def _wake(self) -> Ended:
        running = self.asleep.pop(0)
        running.go_on()
        return running.wait()

    def _look(self) -> None:
        rows, journal = self._rows(), self.scene.journal()
        phase = journal and journal["phase"]
        self._hold(rows in {"whole", "none"}, f"neither all rows are there, once, nor none: {rows}")
        self._hold(rows == "whole" or phase != "committed", "the journal says committed, and no row is there")
        self._hold(
            rows == "none" or phase not in {None, "planning", "planned"},
            f"rows are there, and the journal says {phase}",
        )
        if any(to in self.scene.parameters for to in RejectsTo):
            rejects = visible_rejects(self.scene)
            self._hold(rejects in ([], REJECTS), f"neither all rejects are there, once, nor none: {rejects}")
            self._hold(rejects == REJECTS or rows == "none", "the rows are there, and not their rejects")

    def _rows(self) -> str:
        """Return whether all rows of the recorded window are there, once, or none; or the rows, if neither."""
        journal, rows = self.scene.journal(), self.scene.rows()
        if rows == [OLD_ROW]:
            return "none"
        old = [OLD_ROW] if self.scene.parameters["mode"] == "append" else []
        if journal and rows == [*old, *self.scene.log.records(journal["window"]["partitions"])]:
            return "whole"
        return str(rows)

    def _note(self, step: object, ended: Ended | None) -> None:
        if ended is None:
            outcome = ""
        elif ended.killed or ended.stopped:
            outcome = " → it is " + ("dead" if ended.killed else "asleep")
        else:
            outcome = f" → {ended.error}: {ended.text[:160]}" if ended.error else " → it has ended well"
        self.said.append(f"{step}{outcome}")

    def _hold(self, condition: bool, complaint: str) -> None:
        if not condition:
            story = "\n".join(f"{number}. {line}" for number, line in enumerate(self.said, 1))
            raise PromiseBroken(f"{complaint}\n{story}\nfiles in {self.scene.folder}")


def walk_all(
    drawn: Sequence[History], scene_of: Callable[[History], Scene], at_once: int = 6
) -> tuple[History, PromiseBroken] | None:
    """Walk through histories, several at once; return the first one that breaks the promise, and how."""
    with ThreadPoolExecutor(at_once) as pool:
        for history, broken in zip(drawn, pool.map(lambda each: outcome(each, scene_of), drawn), strict=True):
            if broken is not None:
                pool.shutdown(cancel_futures=True)
                return history, broken
    return None


def outcome(history: History, scene_of: Callable[[History], Scene]) -> PromiseBroken | None:
    """Walk through one history; return how it breaks the promise, if it does."""
    scene = scene_of(history)
    scene.patience = IMPATIENT
    try:
        Walker(scene).walk(history)
    except PromiseBroken as broken:
        return broken
    return None


def shortest(history: History, breaks: Callable[[History], bool]) -> History:
    """Return a history with as few of the steps as a bounded search finds that still breaks the promise."""
    tries = _TRIES_TO_SHORTEN
    at = 0
    while at < len(history.steps) and tries:
        tries -= 1
        shorter = replace(history, steps=history.steps[:at] + history.steps[at + 1 :])
        if breaks(shorter):
            history = shorter
        else:
            at += 1
    return history
