"""Runs of one table that are planned at the same moment: they stand still, die and are superseded at any step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from core.examples import offsets_in
from core.memory import Clock, Runs, Topic
from greenlet import GreenletExit, getcurrent, greenlet
from twins.planning_lock import Group, TwinLock
from twins.stores import Memory

from airflow_provider_kafka_odps.core.history.planner import Planning, plan
from airflow_provider_kafka_odps.core.history.task_chain import advance
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Earliest, Latest, Previous, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

_AT_ONCE = 3
_MOST_DISTURBED = 60
"""Steps after which nothing more befalls anybody."""
_TRIES = 6
"""Rounds in which all that is left is tried, beside one for each run of a chain."""


class Superseded(Exception):
    """Airflow refuses an attempt that is not the current one of its task."""


class BrokenPlans(AssertionError):
    """A counter-example was found."""


@dataclass
class Planner:
    """One attempt at planning the window of one run."""

    run: int
    number: int
    lives: greenlet
    lock: TwinLock | None
    ended: BaseException | None = None

    def __str__(self) -> str:
        return f"run {self.run}, attempt {self.number}"


@dataclass
class Planners:
    """One history, which happens as its random numbers say."""

    random: Random
    locked: bool
    chained: bool
    runs: int
    topic: Topic = field(default_factory=lambda: Topic({0: [], 1: []}))
    memory: Memory = field(default_factory=Memory)
    group: Group = field(default_factory=Group)
    alive: list[Planner] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)
    """What the journals of the runs have."""
    done: set[int] = field(default_factory=set)
    trace: list[str] = field(default_factory=list)

    def play(self) -> None:
        """Let it happen, then let everybody who is left come to an end, and hold the windows against each other."""
        self.stage = getcurrent()
        for _ in range(_MOST_DISTURBED):
            self._step()
        while self.alive:
            self._end(self.random.choice(self.alive))
        self._finish()
        self._check()

    def _step(self) -> None:
        random = self.random
        happens = random.random()
        if happens < 0.15:
            self._arrive()
        elif happens < 0.17 and len(self.topic.stamps) < 3:
            self._tell(f"partition {len(self.topic.stamps)} is added")
            self.topic.stamps[len(self.topic.stamps)] = []
        elif happens < 0.25:
            self._start()
        elif self.alive:
            self._befall(random.choice(self.alive), happens)

    def _befall(self, planner: Planner, happens: float) -> None:
        if happens < 0.28:
            self._crash(planner)
        elif happens < 0.31 and self.group.holder is not None:
            self._tell("the holder's session ends")
            self.group.expel()
        elif happens < 0.34 and len(self.alive) < _AT_ONCE:
            self._tell(f"{planner} is superseded, or cleared")
            self._begin(planner.run)
        else:
            # Often many steps of one, in the middle of which another one stands still.
            for _ in range(self.random.choice([1, 2, 4, 8, 30])):
                if planner.ended is None:
                    self._go_on(planner)

    def _arrive(self) -> None:
        number = self.random.choice(list(self.topic.stamps))
        stamp = self.random.randrange(10 * self.runs + 5)
        self.topic.stamps[number].append(stamp)
        self._tell(f"record {number}@{len(self.topic.stamps[number]) - 1} comes, of {stamp}")

    def _start(self) -> None:
        idle = [run for run in range(self.runs) if run not in self.done and all(run != p.run for p in self.alive)]
        if idle and len(self.alive) < _AT_ONCE:
            self._begin(self.random.choice(idle))

    def _begin(self, run: int) -> Planner:
        number = self.attempts[run] = self.attempts.get(run, 0) + 1
        planner = Planner(run, number, greenlet(lambda: None), None)
        planner.lives = greenlet(lambda: self._plan(planner))
        self.alive.append(planner)
        return planner

    def _go_on(self, planner: Planner) -> None:
        planner.lives.switch()
        if planner.lives.dead and planner in self.alive:
            self.alive.remove(planner)

    def _end(self, planner: Planner) -> None:
        for _ in range(500):
            if planner.lives.dead:
                break
            self._go_on(planner)
            if planner.ended is None and self.group.holder is not None and not self._holder_lives():
                self.group.expel()
        else:
            # It waits for another one that stands still.
            self.group.expel()

    def _holder_lives(self) -> bool:
        return any(each.lock is not None and each.lock.member == self.group.holder for each in self.alive)

    def _crash(self, planner: Planner) -> None:
        self._tell(f"{planner} dies")
        if planner.lock is not None:
            planner.lock.member = -1
        planner.lives.throw(GreenletExit)
        self.alive.remove(planner)

    def _finish(self) -> None:
        """Let what has not ended well be tried again, and, where that is of no use, all else be cleared."""
        for _ in range(_TRIES + self.runs):
            left = [run for run in range(self.runs) if run not in self.done]
            if not left:
                return
            ended = [self._tried(run) for run in self.random.sample(left, len(left))]
            if self.done.isdisjoint(left):
                ended += [self._tried(run) for run in self.random.sample(sorted(self.done), len(self.done))]
        raise BrokenPlans(f"runs {left} are stuck: {ended}")

    def _tried(self, run: int) -> BaseException | None:
        planner = self._begin(run)
        self._end(planner)
        return planner.ended

    def _tell(self, what: str) -> None:
        if self.trace[-1:] != [what]:
            self.trace.append(what)

    def _plan(self, planner: Planner) -> None:
        def pause(what: str) -> None:
            self.stage.switch()
            self._tell(f"{planner}: {what}")

        try:
            self._load(planner, pause)
        except (KafkaOdpsError, Superseded) as error:
            planner.ended = error
            self._tell(f"{planner}: {type(error).__name__}: {error}")

    def _load(self, planner: Planner, pause: Callable[[str], None]) -> None:
        planning = self._planning(planner, pause)
        if planner.run not in self.windows:
            window = plan(planning)
            pause(f"records {window}")
            self._refuse_superseded(planner)
            self.windows[planner.run] = window
        pause("commits")
        self._refuse_superseded(planner)
        advance(planning.history, planning.request, self.windows[planner.run])
        pause("ends")
        self._refuse_superseded(planner)
        self.done.add(planner.run)

    def _refuse_superseded(self, planner: Planner) -> None:
        if self.attempts[planner.run] != planner.number:
            raise Superseded

    def _planning(self, planner: Planner, pause: Callable[[str], None]) -> Planning:
        if self.locked:
            planner.lock = _Lock(self.group, lambda: pause("waits"), pause=pause)
        topic, store = _Surveyed(self.topic.stamps, pause=pause), _Store(self.memory.entries, pause=pause)
        runs = Runs(topic, store, Clock(10**9 + len(self.trace)), lock=planner.lock)

        def begin() -> None:
            pause("begins")
            self._refuse_superseded(planner)

        bounds: tuple[AskedBound, SurveyBound] = (At(10 * planner.run), At(10 * planner.run + 10))
        if self.chained:
            runs, bounds = replace(runs, max_offsets=3), (Previous(), Latest())
        return replace(runs.planning(f"run {planner.run}", *bounds, Earliest()), begin=begin)

    def _check(self) -> None:
        """Hold that windows meet in every partition, so that no offset is in two of them and none in between."""
        if self.chained:
            order = sorted(self.windows.values(), key=lambda window: [each.end for each in window.ranges])
        else:
            order = [self.windows[run] for run in range(self.runs)]
        reached: dict[int, int] = {}
        for window in order:
            for number, (start, end) in offsets_in(window).items():
                if start != reached.get(number, 0 if reached or self.chained else start):
                    raise BrokenPlans(f"[{number}] is reached up to {reached.get(number, 0)}, and then comes {window}")
                reached[number] = end


@dataclass
class _Surveyed(Topic):
    pause: Callable[[str], None] = lambda _: None

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        self.pause("surveys")
        return super().survey(topic, questions)


@dataclass
class _Store(Memory):
    pause: Callable[[str], None] = lambda _: None

    def get(self, key: str) -> Any:
        self.pause(f"reads {key}")
        return super().get(key)

    def set(self, key: str, value: Any) -> None:
        self.pause(f"writes {key} = {value}")
        super().set(key, value)

    def delete(self, key: str) -> None:
        self.pause(f"deletes {key}")
        super().delete(key)


@dataclass
class _Lock(TwinLock):
    pause: Callable[[str], None] = lambda _: None

    def acquire(self) -> str | None:
        self.pause("joins")
        return super().acquire()

    def note(self, text: str) -> None:
        self.pause(f"notes {text}")
        super().note(text)

    def release(self) -> None:
        # Whoever dies releases nothing.
        if self.member != -1:
            self.pause("leaves")
            super().release()
