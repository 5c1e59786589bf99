"""A window of the cluster in memory, read as our reader reads one: with gaps, losses and what was passed over."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pyarrow as pa
from twins.clock import Effect, at_once
from twins.kafka import Cluster, Entry, Log

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.stages import Read
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import Identity, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.losses import losses, refusal
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, next_offset
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import LogTruncated, NoProgress, ReadAgain, TopicReplaced


@dataclass
class Source:
    """A topic of the cluster, in the shape that a load asks for."""

    cluster: Cluster
    effect: Effect = at_once
    on_data_loss: OnDataLoss = OnDataLoss.FAIL
    batch_records: int | None = None
    """How many records a batch has at most."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""
        return self.effect("survey", lambda: self.cluster.survey(topic, questions))

    def look(self, topic: str) -> TopicFacts:
        """Return where the topic's logs begin and end now."""
        return self.effect("look at the log", lambda: self.cluster.survey(topic, Questions()))

    def epochs(self, window: Window) -> Mapping[int, int]:
        """Return the leader epoch of each range's last offset, by partition."""
        return self.effect("ask for epochs", lambda: self.cluster.epochs(window))

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's UUID as it is now, and where these leader epochs of its partitions end."""
        return self.effect("ask for the topic's id", lambda: self.cluster.identity(topic, epochs))

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        """Yield every record of the window; end only when all of it was read."""
        return self._read(window, wanted, evidence, None)

    @contextmanager
    def open_reader(self, wanted: frozenset[str], facts: TopicFacts) -> Iterator[Read]:
        """Give what reads windows one after the other."""
        yield lambda window, evidence: self._read(window, wanted, evidence, facts)

    def _read(
        self, window: Window, wanted: frozenset[str], evidence: Evidence, facts: TopicFacts | None
    ) -> Generator[pa.RecordBatch]:
        reading = _Reading(self.cluster, window, self.on_data_loss, evidence)
        if not reading.ahead:
            return
        if facts is None:
            self.effect("look at the log", reading.check)
        else:
            reading.check(facts)
        while reading.ahead:
            number = next(iter(reading.ahead))
            fetch = partial(reading.fetch, number, self.batch_records)
            entries = self.effect(f"read {number}:{reading.ahead[number].start}", fetch)
            if entries:
                yield batch_of(number, _rows(entries), wanted)

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``."""
        return self.effect("ask for the policy", lambda: self.cluster.topic(topic).policy)


class _Reading:
    """How far a window has been read."""

    def __init__(self, cluster: Cluster, window: Window, on_data_loss: OnDataLoss, evidence: Evidence) -> None:
        self._cluster, self._window, self._on_data_loss = cluster, window, on_data_loss
        self._evidence = evidence
        self._told: PassedOver | None = None
        self.ahead = {offsets.partition: offsets for offsets in window.ranges if offsets.span}
        """What is still to be read; each starts at the next offset to read."""
        self._cuts: dict[int, int] = {}
        """How often the log of a partition had been cut off when its first record was read."""

    def check(self, facts: TopicFacts | None = None) -> bool:
        """Return whether anything ahead is lost and was left out; raise where it may not be."""
        facts = facts or self._cluster.survey(self._window.topic, Questions())
        if facts.topic_id != self._window.topic_id:
            raise TopicReplaced(f"{self._window.topic}: {self._window.topic_id} was planned, {facts.topic_id} is there")
        found = list(losses(self.ahead.values(), facts))
        if found and self._on_data_loss is OnDataLoss.FAIL:
            raise refusal(found)
        for loss in found:
            lost, left = loss.lost, self.ahead[loss.lost.partition]
            self._evidence.pass_over(PassedOver(lost, GapKind.MISSING))
            behind = lost.end < left.end
            self._go_on(left, *((lost.end, left.end) if behind else (left.start, lost.start)))
        return bool(found)

    def fetch(self, number: int, most: int | None) -> list[Entry]:
        """Return the next records of a partition, and go on behind them; perhaps none, and perhaps it is finished."""
        left = self.ahead[number]
        # What is fetched is what has the topic's name now: no client asks for its id.
        log = self._cluster.topic(self._window.topic).partitions[number]
        if any(cut < left.start for cut in log.cuts[self._cuts.get(number, len(log.cuts)) :]):
            self._refuse_cut(left, log)
        committed = self._window.isolation_level is IsolationLevel.READ_COMMITTED
        limit = min(left.end, log.stable if committed else log.high)
        if left.start < log.low or limit <= left.start:
            if not self.check():
                raise NoProgress(f"nothing comes; still to be read: {left}")
            return []
        entries, position = self._walk(number, log, left.start, limit, most, committed=committed)
        if entries:
            self._cuts.setdefault(number, len(log.cuts))
        self._go_on(left, position, left.end)
        return entries

    def _walk(
        self, number: int, log: Log, position: int, limit: int, most: int | None, *, committed: bool
    ) -> tuple[list[Entry], int]:
        """Return records that follow each other without anything to pass over, and the next offset to read."""
        entries: list[Entry] = []
        for entry in log.entries:
            if entry.offset < position or entry.offset >= limit:
                continue
            if entry.is_marker or (committed and entry.is_aborted):
                if entries:
                    return entries, position
                self._pass_over(number, log, entry)
            else:
                entries.append(entry)
            position = next_offset(entry.offset)
            if len(entries) == most:
                return entries, position
        return entries, limit

    def _pass_over(self, number: int, log: Log, entry: Entry) -> None:
        """Tell of the whole batch that nobody may see: it may reach beyond the window."""
        start = end = entry.offset
        same = {e.offset for e in log.entries if (e.transaction, e.is_marker) == (entry.transaction, entry.is_marker)}
        while start - 1 in same:
            start -= 1
        while next_offset(end) in same:
            end += 1
        offsets = OffsetRange(self._window.topic, number, start, next_offset(end))
        told = PassedOver(offsets, GapKind.CONTROL if entry.is_marker else GapKind.ABORTED)
        if told != self._told:
            self._evidence.pass_over(told)
        self._told = told

    def _go_on(self, left: OffsetRange, start: int, end: int) -> None:
        if start < end:
            self.ahead[left.partition] = OffsetRange(left.topic, left.partition, start, end)
        else:
            del self.ahead[left.partition]

    def _refuse_cut(self, left: OffsetRange, log: Log) -> None:
        error = ReadAgain if self._on_data_loss is OnDataLoss.SKIP else LogTruncated
        raise error(f"{left}: the log was cut to offset {min(log.cuts)} below {left.start}, up to where it was read")


def _rows(entries: Iterable[Entry]) -> tuple[tuple[Any, ...], ...]:
    return tuple((e.offset, e.timestamp, e.key, e.value) for e in entries)


@cache
def batch_of(partition: int, rows: tuple[tuple[Any, ...], ...], wanted: frozenset[str]) -> pa.RecordBatch:
    """Return a batch of offsets, timestamps, keys and values; the same records are the same object, for ever."""
    named: Iterator[dict[str, Any]] = (
        {"offset": offset, "timestamp": timestamp, "timestamp_type": 0, "leader_epoch": 0, "key": key, "value": value}
        for offset, timestamp, key, value in rows
    )
    kept = wanted | {"offset"}
    columns = [
        {name: value for name, value in row.items() if name in kept}
        | {"partition": partition, "headers": [] if "headers" in kept else None}
        for row in named
    ]
    return pa.RecordBatch.from_pylist(columns, BATCH_SCHEMA)
