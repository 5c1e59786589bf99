"""A topic whose log grows, and runs that plan windows of it: all that planning needs of the outside, in memory."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from twins.kafka import Log
from twins.kafka_reader import batch_of
from twins.stores import Memory

from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.history.planner import Planning, plan
from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock
from airflow_provider_kafka_odps.core.history.store import History, NoAssetStore
from airflow_provider_kafka_odps.core.history.task_chain import advance
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss, OnGap, OnTimestampAhead
from airflow_provider_kafka_odps.core.window.ahead import SCANNED
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, Latest, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window


@dataclass
class Topic:
    """Partition → timestamps (ms) of its records, in the order in which they came."""

    stamps: dict[int, list[int]] = field(default_factory=lambda: {0: []})
    low: int = 0
    topic_id: str = "id-1"
    stable: int | None = None
    scanned: list[int] = field(default_factory=list)
    """The offsets that were looked at, record by record, up to what was found."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        return TopicFacts(topic, self.topic_id, "cluster", {p: self._facts(p, questions) for p in self.stamps})

    def scan(self, window: Window) -> Generator[pa.RecordBatch]:
        """Yield offset and timestamp of each record of a window, in a batch of its own."""
        for offsets in window.ranges:
            for entry in self._log(offsets.partition).entries:
                if offsets.start <= entry.offset < offsets.end:
                    self.scanned.append(entry.offset)
                    yield batch_of(offsets.partition, ((entry.offset, entry.timestamp, None, None),), SCANNED)

    def _log(self, number: int) -> Log:
        log = Log()
        for stamp in self.stamps[number]:
            log.append(None, timestamp=stamp)
        log.delete_before(self.low)
        return log

    def _facts(self, number: int, questions: Questions) -> PartitionFacts:
        facts = self._log(number).facts(number, questions, None)
        return facts if self.stable is None else replace(facts, stable=self.stable)


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
    on_data_loss: OnDataLoss = OnDataLoss.FAIL
    on_timestamp_ahead: OnTimestampAhead = OnTimestampAhead.FAIL
    xcom: tuple[str, Mapping[str, Any]] | None = None
    task: str = "hourly.load"
    before: str = ""
    """How earlier releases wrote the task."""
    table: str = "shop.t"
    partitions: frozenset[int] | None = None
    lock: PlanningLock | None = None
    active: set[str] = field(default_factory=set)
    """The runs that Airflow says may still load something."""
    said: list[str] = field(default_factory=list)

    def plan(
        self,
        run_id: str,
        start: AskedBound,
        end: SurveyBound,
        first: SurveyBound | None = None,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> Window:
        """Plan the window of one run, as its first attempt does."""
        return plan(self.planning(run_id, start, end, first, isolation))

    def commit(self, run_id: str, start: AskedBound, window: Window) -> None:
        """Note that the run has committed its window."""
        advance(self.history(run_id), WindowRequest("orders", start, Latest(), self.partitions), window)

    def history(self, run_id: str) -> History:
        """Return what one run finds, and where it leaves what others need."""
        store = self.memory or NoAssetStore()
        return History(
            author=Author(self.task, run_id, self.before),
            store=store,
            previous=lambda: self.xcom,
            on_gap=self.on_gap,
            max_offsets=self.max_offsets,
            is_active=lambda run_id, _: run_id in self.active,
            lock=self.lock,
            log=self.said.append,
            table=self.table,
        )

    def planning(
        self,
        run_id: str,
        start: AskedBound,
        end: SurveyBound,
        first: SurveyBound | None = None,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> Planning:
        """Return what the plan of one run is made of."""
        request = WindowRequest(
            "orders",
            start,
            end,
            self.partitions,
            isolation_level=isolation,
            first_start=first,
            on_timestamp_ahead=self.on_timestamp_ahead,
            on_data_loss=self.on_data_loss,
        )
        topic = self.topic
        return Planning(request, None, self.history(run_id), self.clock, topic.survey, lambda: None, topic.scan)
