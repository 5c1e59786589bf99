"""One consumer for several windows: when it is used again, and what it is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from core.examples import window_of
from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.kafka import reader as module
from airflow_provider_kafka_odps.clients.kafka import seam
from airflow_provider_kafka_odps.clients.kafka.reader import WindowReader
from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, TopicFacts
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder
from airflow_provider_kafka_odps.exceptions import OffsetsExpired, TopicReplaced

PLACE = TopicPartition("orders", 0)


class _Consumer:
    """A log of ten records without end, each in an answer of its own; behind each, a marker is passed over."""

    def __init__(self, opened: _Opened) -> None:
        self._opened, self._position = opened, 0
        self._passed: list[Any] = []
        self.consumer = self

    def assign(self, places: list[TopicPartition]) -> None:
        """Take what is read."""

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on elsewhere."""
        assert place == PLACE
        self._position = offset

    def position(self, place: TopicPartition, timeout_ms: int) -> int:
        """Return the next offset."""
        assert (place, timeout_ms) == (PLACE, 0)
        return self._position

    def poll(self, timeout_ms: int) -> dict[TopicPartition, Iterator[int]]:
        """Return the next record, or fail."""
        assert timeout_ms
        if self._opened.errors:
            raise self._opened.errors.pop()
        self._position += 1
        return {PLACE: self._answer(self._position - 1)}

    def take_passed_over(self) -> dict[TopicPartition, list[Any]]:
        """Return, once, the markers of answers that were decoded."""
        taken, self._passed = self._passed, []
        return {PLACE: taken} if taken else {}

    def _answer(self, offset: int) -> Iterator[int]:
        yield offset
        kind = SimpleNamespace(value="control")
        self._passed.append(SimpleNamespace(kind=kind, base_offset=offset + 1, next_offset=offset + 2))


class _Opened:
    """The consumers of a test, in the order in which they were opened."""

    def __init__(self) -> None:
        self.count = self.open = 0
        self.errors: list[Exception] = []

    @contextmanager
    def consumer_of(self, *_: object) -> Iterator[_Consumer]:
        """Open one."""
        self.count += 1
        self.open += 1
        yield _Consumer(self)
        self.open -= 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> _Opened:
    """Return what stands in the place of the client and of the decoder."""
    opened = _Opened()

    def decode(_: BatchDecoder, batches: Iterator[int], offsets: object) -> Iterator[pa.RecordBatch]:
        assert offsets
        rows = [{"partition": 0, "offset": offset, "headers": []} for offset in batches]
        yield pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)

    monkeypatch.setattr(module, "consumer_of", opened.consumer_of)
    monkeypatch.setattr(seam, "BatchConsumer", lambda consumer: consumer)
    monkeypatch.setattr(BatchDecoder, "decode", decode)
    return opened


class _Cluster(SimpleNamespace):
    def waiting(self, seconds: float) -> _Cluster:
        """Wait for nothing."""
        assert seconds
        return self


def _reader(topic_id: str = "id-1", low: int = 0) -> WindowReader:
    facts = TopicFacts("orders", topic_id, "a-cluster", {0: PartitionFacts(0, low, 10, 10)})
    cluster: Any = _Cluster(clock=HandClock())
    return WindowReader(
        cluster,
        wanted=frozenset(),
        poll_timeout=1.0,
        check=lambda: None,
        on_data_loss=OnDataLoss.FAIL,
        fetch_bytes=1,
        unpack_limit=1,
        facts=facts,
    )


def _offsets(reader: WindowReader, start: int, end: int, told: list[PassedOver] | None = None) -> list[int]:
    passed = [] if told is None else told
    batches = reader.read(window_of((start, end)), passed.append, nullcontext)
    return [offset for batch in batches for offset in batch.column("offset").to_pylist()]


def test_windows_are_read_by_one_consumer(opened: _Opened) -> None:
    """One after the other, wherever each begins; it is closed when the reader is left."""
    with _reader() as reader:
        assert _offsets(reader, 0, 3) == [0, 1, 2]
        assert _offsets(reader, 7, 9) == [7, 8]
        assert (opened.count, opened.open) == (1, 1)
    assert opened.open == 0


def test_a_consumer_that_was_left_in_the_middle_is_not_used_again(opened: _Opened) -> None:
    """What it has fetched, and not handed out, is of the window that was left."""
    with _reader() as reader:
        batches = reader.read(window_of((0, 3)), lambda _: None, nullcontext)
        next(batches)
        batches.close()
        assert opened.open == 0
        assert _offsets(reader, 0, 3) == [0, 1, 2]
        assert opened.count == 2


def test_a_consumer_is_not_used_again_after_an_error(opened: _Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a read goes on after one, it is by a consumer of its own."""
    opened.errors = [OffsetOutOfRangeError({})]
    monkeypatch.setattr(module, "_recover", lambda *_: None)
    with _reader() as reader:
        assert _offsets(reader, 0, 3) == [0, 1, 2]
        assert (opened.count, opened.open) == (2, 1)


def test_what_was_passed_over_before_is_not_told_again(opened: _Opened) -> None:
    """A client that is ahead of the end of a window tells then of what lies behind it; the next window is another."""
    with _reader() as reader:
        _offsets(reader, 0, 3)
        told: list[PassedOver] = []
        _offsets(reader, 7, 9, told)
    assert opened.count == 1
    assert [each.offsets.start for each in told] == [8]


def test_facts_of_another_topic_are_refused(opened: _Opened) -> None:
    """A topic that was deleted and created again between the plan and the load is not read, whoever was asked."""
    with _reader("id-2") as reader, pytest.raises(TopicReplaced, match="the topic of this name now has id-2"):
        _offsets(reader, 0, 3)
    assert not opened.count


def test_what_the_log_does_not_have_is_refused_before_anything_is_read(opened: _Opened) -> None:
    """Records that are no longer in the log would be waited for until the deadline."""
    with _reader(low=2) as reader, pytest.raises(OffsetsExpired, match="is 0 but the log starts at 2"):
        _offsets(reader, 0, 3)
    assert not opened.count
