"""Named points between any two effects of an attempt, and what happens to it at one of them.

A point has the name of the effect that comes next; ``end`` is behind the last one.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.rejects import RejectSink
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Merges, StagedRows, Staging
from airflow_provider_kafka_odps.core.delivery.ports import Sink, Source
from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets, VisibleRows
from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows, WindowRows
from airflow_provider_kafka_odps.core.journal.entry import JournalStore
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.sampling import ASSUMED_BYTES
from airflow_provider_kafka_odps.core.load.lanes.stages import Read
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.statement import StatementEnd
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, Upload, UploadStatus
from airflow_provider_kafka_odps.core.window.facts import Identity, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window

T = TypeVar("T")
KILL, STOP, ASK_TO_STOP = signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Points:
    """Reports every point, and lets something happen at it.

    A point that is reached again has the number of its visit behind it: ``topic id #2``.
    """

    happen: Callable[[str], None]
    visits: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def reach(self, point: str) -> None:
        """Be at a point; of several lanes, one after the other."""
        with self._lock:
            self.visits[point] += 1
            self.happen(point if self.visits[point] == 1 else f"{point} #{self.visits[point]}")

    def before(self, effect: str, apply: Callable[[], T]) -> T:
        """Reach the point before an effect, then let it happen."""
        self.reach(effect)
        return apply()


def signalling(trace: Path, signals: Mapping[str, int]) -> Callable[[str], None]:
    """Return what writes each point to a file, and sends this process a signal where ``signals`` has one for it."""

    def happen(point: str) -> None:
        with trace.open("a") as written:
            written.write(f"{point}\n")
        if point in signals:
            os.kill(os.getpid(), signals[point])

    return happen


def watched(attempt: Attempt, points: Points, concurrency: int = 0) -> Attempt:
    """Return the attempt with a point before every effect, and a block for every batch.

    One effect comes after the other, unless ``concurrency`` says how many blocks are written beside the rest.
    """
    ports = attempt.ports

    def announce(window: Window) -> None:
        points.before("announce", lambda: ports.announce(window))

    def survey(topic: str, questions: Questions) -> TopicFacts:
        return points.before("survey", lambda: ports.survey(topic, questions))

    @contextmanager
    def open_reader(wanted: frozenset[str], facts: TopicFacts) -> Iterator[Read]:
        with ports.open_reader(wanted, facts) as read:
            yield lambda window, evidence: _reached(points, read(window, evidence))

    # Two blocks: nothing is known of the rows of a window as small as that of a scene.
    limits = replace(attempt.load.resources, block_bytes=BLOCK_OFFSETS * ASSUMED_BYTES)
    limits = replace(limits, concurrency=concurrency, first=concurrency)
    return replace(
        attempt,
        load=replace(attempt.load, resources=limits),
        ports=replace(
            ports,
            survey=survey,
            open_reader=open_reader,
            source=_Source(ports.source, points),
            sink=_Sink(ports.sink, points),
            journal=_Journal(ports.journal, points),
            window_rows=lambda columns: _Rows(ports.window_rows(columns), points),
            visible_rows=_Shown(ports.visible_rows, points),
            announce=announce,
            rejects=_RejectSink(ports.rejects, points),
            staging=None if ports.staging is None else _staging(ports.staging, points),
        ),
    )


def _staging(inner: Staging, points: Points) -> Staging:
    return Staging(
        _StagedRows(inner.rows, points),
        _Merges(inner.merges, points),
        lambda columns, places: _Rows(inner.find(columns, places), points),
        lambda places: _Shown(inner.show(places), points),
        inner.filled,
    )


BLOCK_OFFSETS = 5
"""Offsets of one block of a scene, which has nine."""


def _reached(points: Points, batches: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    points.reach("read")
    for batch in batches:
        points.reach("batch")
        yield batch
    points.reach("read to the end")


@dataclass(frozen=True, slots=True)
class _Source:
    inner: Source
    points: Points

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        return self.points.before("topic id", lambda: self.inner.identity(topic, epochs))

    def cleanup_policy(self, topic: str) -> str | None:
        return self.inner.cleanup_policy(topic)

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        return self.inner.read(window, wanted, evidence)


@dataclass(frozen=True, slots=True)
class _Sink:
    inner: Sink
    points: Points

    def ensure(self) -> None:
        self.points.before("ensure", self.inner.ensure)

    def open_upload(self) -> Upload:
        return _Upload(self.points.before("open", self.inner.open_upload), self.points)

    def attach_upload(self, upload_id: str) -> Upload:
        return _Upload(self.inner.attach_upload(upload_id), self.points)


@dataclass(frozen=True, slots=True)
class _RejectSink:
    inner: RejectSink
    points: Points

    @property
    def place(self) -> str:
        return self.inner.place

    def open_upload(self) -> Upload:
        return _Upload(self.points.before("rejects open", self.inner.open_upload), self.points, "rejects ")

    def attach_upload(self, upload_id: str) -> Upload:
        return _Upload(self.inner.attach_upload(upload_id), self.points, "rejects ")

    def stale(self) -> bool:
        return self.inner.stale()


@dataclass(frozen=True, slots=True)
class _Upload:
    inner: Upload
    points: Points
    of: str = ""

    @property
    def id(self) -> str:
        return self.inner.id

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        return self.points.before(f"{self.of}block {number}", lambda: self.inner.write_block(number, batches, sending))

    def commit(self, blocks: int) -> None:
        self.points.before(f"{self.of}commit", lambda: self.inner.commit(blocks))

    def status(self) -> UploadStatus:
        return self.points.before(f"{self.of}status", self.inner.status)


@dataclass(frozen=True, slots=True)
class _Journal:
    inner: JournalStore
    points: Points

    def load(self) -> Mapping[str, Any] | None:
        return self.inner.load()

    def begin(self) -> None:
        self.inner.begin()

    def save(self, entry: Mapping[str, Any]) -> None:
        self.points.before(f"save {entry['phase']}", lambda: self.inner.save(entry))


@dataclass(frozen=True, slots=True)
class _Shown:
    inner: VisibleRows
    points: Points

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets] | None:
        return self.points.before("reconcile", lambda: self.inner.offsets(window))

    def rows(self) -> int:
        # Of an overwrite, the offsets and then all rows are looked at.
        return (
            self.inner.rows() if self.points.visits["reconcile"] else self.points.before("reconcile", self.inner.rows)
        )

    def last_change(self) -> str:
        return self.inner.last_change()


@dataclass(frozen=True, slots=True)
class _Rows:
    inner: WindowRows
    points: Points

    def count(self, window: Window) -> FoundRows | None:
        return self.points.before("count", lambda: self.inner.count(window))

    def start_removal(self, window: Window, name: str) -> str:
        return self.points.before("start removal", lambda: self.inner.start_removal(window, name))

    def await_removal(self, statement_id: str) -> str | None:
        return self.points.before("await removal", lambda: self.inner.await_removal(statement_id))


@dataclass(frozen=True, slots=True)
class _StagedRows:
    inner: StagedRows
    points: Points

    def attach_upload(self, staged: Staged, upload_id: str) -> Upload:
        return _Upload(self.inner.attach_upload(staged, upload_id), self.points)

    def size(self, staged: Staged) -> int | None:
        return self.points.before("look at the staged", lambda: self.inner.size(staged))

    def drop(self, staged: Staged) -> None:
        self.points.before("drop the staged", lambda: self.inner.drop(staged))


@dataclass(frozen=True, slots=True)
class _Merges:
    inner: Merges
    points: Points

    def start(self, staged: Staged, name: str) -> str:
        return self.points.before("start merge", lambda: self.inner.start(staged, name))

    def end(self, statement_id: str, seconds: float) -> StatementEnd:
        return self.points.before("await merge", lambda: self.inner.end(statement_id, seconds))

    def empty(self, places: Sequence[PartitionSpec], name: str) -> StatementEnd:
        return self.points.before("empty", lambda: self.inner.empty(places, name))
