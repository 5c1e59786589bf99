"""A topic whose log grows, and runs that plan windows of it: all that planning needs of the outside, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from core.examples import target_of
from core.world import COLUMNS, SCHEMA, Sink, Store, World

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.ports import Source
from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.history.planner import committed, plan
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnGap
from airflow_provider_kafka_odps.core.window.bounds import Bound
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window


@dataclass
class Memory:
    """The state store of an asset: every value goes through JSON."""

    entries: dict[str, str] = field(default_factory=dict)
    turn: Callable[[], None] = lambda: None
    """Waits until this reader or writer may go on."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        self.turn()
        found: Mapping[str, Any] | None = json.loads(self.entries[key]) if key in self.entries else None
        return found

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        self.turn()
        self.entries[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self.turn()
        self.entries.pop(key, None)


@dataclass
class Topic:
    """Partition → timestamps (ms) of its records, in the order in which they came."""

    stamps: dict[int, list[int]] = field(default_factory=lambda: {0: []})
    low: int = 0
    topic_id: str = "id-1"
    stable: int | None = None

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        return TopicFacts(topic, self.topic_id, "cluster", {p: self._facts(p, questions) for p in self.stamps})

    def _facts(self, number: int, questions: Questions) -> PartitionFacts:
        stamps = self.stamps[number]
        at = {t: next((o for o, s in enumerate(stamps) if s >= t and o >= self.low), None) for t in questions.instants}
        stable = len(stamps) if self.stable is None else self.stable
        return PartitionFacts(number, self.low, len(stamps), stable, at=at)


@dataclass
class Clock:
    """A clock that stands."""

    millis: int = 10**9

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.millis / 1000, UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s for a plan")


@dataclass
class Runs:
    """One task's runs over one topic."""

    topic: Topic = field(default_factory=Topic)
    memory: Memory | None = field(default_factory=Memory)
    clock: Clock = field(default_factory=Clock)
    on_gap: OnGap = OnGap.FAIL
    max_offsets: int | None = None
    xcom: tuple[str, Mapping[str, Any]] | None = None

    def plan(
        self,
        run_id: str,
        start: Bound,
        end: Bound,
        first: Bound | None = None,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> Window:
        """Plan the window of one run, as its first attempt does."""
        return plan(self.attempt(run_id, start, end, first, isolation))

    def commit(self, run_id: str, start: Bound, window: Window) -> None:
        """Note that the run has committed its window."""
        committed(self.attempt(run_id, start, start), window)

    def attempt(
        self,
        run_id: str,
        start: Bound,
        end: Bound,
        first: Bound | None = None,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> Attempt:
        """Return an attempt of one run."""
        world = World()
        request = WindowRequest("orders", start, end, isolation_level=isolation, first_start=first)
        return Attempt(
            request=request,
            group=None,
            target=target_of(),
            projection=compile_projection(COLUMNS, SCHEMA),
            # Planning asks a source for nothing but a survey.
            source=cast("Source", self.topic),
            sink=Sink(world, overwrite=False),
            journal=Store(world),
            clock=self.clock,
            announce=world.announced.append,
            say=world.said.append,
            cancelled=lambda: False,
            clear_number=0,
            past=History(Author("hourly.load", run_id), self.memory, lambda: self.xcom, self.on_gap, self.max_offsets),
        )
