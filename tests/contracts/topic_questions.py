"""What the contract asks of a topic, in the shortest form."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

import pyarrow as pa
from contracts.kafka_backends import NOTHING, TopicBackend, TopicPort
from kit.kafka_topics import rows_of

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.core.window.facts import Questions
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS

FIRST = 1_700_000_000_000
HOUR = 3_600_000
COMMITTED, UNCOMMITTED = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED


def window_of(log: TopicBackend, *ranges: tuple[int, int], level: IsolationLevel = COMMITTED) -> Window:
    """Return a window over partitions 0, 1 and so on of the topic as it is now."""
    facts, given = log.source().survey(log.topic, NOTHING), ResolvedBound("0", "given", None)
    offsets = tuple(OffsetRange(log.topic, number, start, end) for number, (start, end) in enumerate(ranges))
    planned_at = datetime(2026, 11, 22, tzinfo=UTC)
    return Window(log.topic, facts.topic_id, facts.cluster_id, level, planned_at, given, given, offsets)


def batches(source: TopicPort, window: Window, wanted: frozenset[str] = ALL_COLUMNS) -> Generator[pa.RecordBatch]:
    """Read a window."""
    return source.read(window, wanted, Evidence())


def values(source: TopicPort, window: Window) -> list[tuple[int, int, bytes | None]]:
    """Return partition, offset and value of what is read."""
    return [(row[0], row[1], row[5]) for row in rows_of(batches(source, window))]


def gaps(source: TopicPort, window: Window) -> dict[GapKind, set[tuple[int, int]]]:
    """Return which offsets of the window are passed over, by the reason: some are told twice, some are outside."""
    evidence = Evidence()
    for _ in source.read(window, ALL_COLUMNS, evidence):
        pass
    found: dict[GapKind, set[tuple[int, int]]] = {}
    inside = {(each.partition, offset) for each in window.ranges for offset in range(each.start, each.end)}
    for passed in evidence.take_passed_over():
        told = {(passed.offsets.partition, o) for o in range(passed.offsets.start, passed.offsets.end)}
        found.setdefault(passed.kind, set()).update(told & inside)
    return {kind: offsets for kind, offsets in found.items() if offsets}


def at(log: TopicBackend, *instants: int, partition: int = 0) -> list[int | None]:
    """Return what these instants are resolved to."""
    found = log.source().survey(log.topic, Questions(instants=frozenset(instants))).partitions[partition].at
    return [found[millis] for millis in instants]
