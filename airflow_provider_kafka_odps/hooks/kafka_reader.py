"""Reading a window: assign, seek, poll until every partition's position has reached its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.gaps import GapKind, OnDataLoss, PassedOver
from airflow_provider_kafka_odps.core.kafka_settings import KafkaSettings
from airflow_provider_kafka_odps.core.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window import Window
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    CorruptBatch,
    KafkaOdpsError,
    LogTooShort,
    NoProgress,
    OffsetsExpired,
    ReadFailed,
    TopicReplaced,
    UnknownPartition,
)
from airflow_provider_kafka_odps.hooks.kafka_survey import admin_client, survey, topic_description, translated

if TYPE_CHECKING:
    import pyarrow as pa
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder

POLL_MS = 500
"""How long one poll may wait: so often a reader looks whether it is to stop."""

_FETCH: Mapping[str, Any] = {
    # One fetch of a partition is about one group of the decoder; what a response may hold bounds the memory.
    "max_partition_fetch_bytes": 8 * 1024 * 1024,
    "fetch_max_bytes": 32 * 1024 * 1024,
    # Batches, not records: all of a response may come at once.
    "max_poll_records": 1_000_000,
    "check_crcs": True,
    # No group is joined, nothing is committed, and no position ever moves by itself.
    "group_id": None,
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


def read_window(
    settings: KafkaSettings,
    window: Window,
    *,
    wanted: frozenset[str],
    poll_timeout: float,
    cancelled: Callable[[], bool],
    passed_over: Callable[[PassedOver], None],
    on_data_loss: OnDataLoss,
) -> Generator[pa.RecordBatch]:
    """Yield every record of the window as Arrow batches of ``decoding.batch.BATCH_SCHEMA``, one partition in each.

    Ends when the position of every partition has reached its end, and only then: offsets without records (compaction,
    transaction markers, aborted transactions) are passed like others. Time that the caller takes between two batches
    does not count against ``poll_timeout``, in seconds.

    ``passed_over`` is told of markers and aborted transactions before positions move past them, some perhaps twice and
    some beyond the window.

    Raises UnknownTopic, UnknownPartition, TopicReplaced, OffsetsExpired, LogTooShort, NoProgress, CorruptBatch,
    ReadFailed, Unreachable, BrokerRefused, and Cancelled within a second after ``cancelled`` says so.
    """
    from kafka.errors import CorruptRecordError, KafkaError, OffsetOutOfRangeError

    from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder

    reading = _Reading(window, BatchDecoder(wanted), poll_timeout, cancelled, passed_over)
    if not reading.ahead:
        return
    _check_topic(settings, window)
    if on_data_loss is OnDataLoss.SKIP:
        reading.skip(_facts(settings, window))
    damaged_at: dict[int, int] | None = None
    started = time.monotonic()
    while reading.ahead:
        try:
            with _consumer(settings, window) as consumer:
                yield from reading.rest(consumer)
        except CorruptRecordError as error:
            # A bit that flipped on the way is not there the second time; one that flipped on a disk is.
            if damaged_at == reading.positions:
                raise CorruptBatch(f"read twice from {reading.progress()}: {error}") from error
            damaged_at = dict(reading.positions)
        except NoProgress as error:
            _go_on_without(reading, settings, on_data_loss, error)
        except OffsetOutOfRangeError as error:
            # Records that expired while they were waited for; where nothing is lost, something else is wrong.
            if on_data_loss is OnDataLoss.FAIL or not reading.skip(_facts(settings, window)):
                raise _named(error, settings, reading, time.monotonic() - started) from error
        except KafkaError as error:
            raise _named(error, settings, reading, time.monotonic() - started) from error


class _Reading:
    """How far the window has been read."""

    def __init__(
        self,
        window: Window,
        decoder: BatchDecoder,
        poll_timeout: float,
        cancelled: Callable[[], bool],
        passed_over: Callable[[PassedOver], None],
    ) -> None:
        self.window = window
        self.ahead = {offsets.partition: offsets for offsets in window.ranges() if offsets.span}
        """What is not finished yet, by partition."""
        self.positions = {number: offsets.start for number, offsets in self.ahead.items()}
        """The next offset to read of each partition that is not finished."""
        self._decoder, self._poll_timeout, self._cancelled = decoder, poll_timeout, cancelled
        self._passed_over = passed_over

    def rest(self, consumer: KafkaConsumer) -> Iterator[pa.RecordBatch]:
        """Yield what is ahead of the positions, by a new consumer."""
        from airflow_provider_kafka_odps.decoding.seam import BatchConsumer

        batch_consumer = BatchConsumer(consumer)
        self._assign(consumer)
        for number, position in self.positions.items():
            consumer.seek(self._place(number), position)
        quiet_since = time.monotonic()
        while self.ahead:
            self._check_cancelled()
            polled = batch_consumer.poll(POLL_MS)
            for place, spans in batch_consumer.take_passed_over().items():
                for span in spans:
                    kind = GapKind(span.kind.value)
                    self._passed_over(PassedOver(place.partition, span.base_offset, span.next_offset, kind))
            for place, batches in polled.items():
                # The client may still hold batches of a partition that is finished.
                if offsets := self._left(place.partition):
                    for decoded in self._decoder.decode(batches, offsets):
                        yield decoded
                        self._check_cancelled()
            if self._advance(consumer) or polled:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > self._poll_timeout:
                raise NoProgress(
                    f"the broker delivered nothing for {self._poll_timeout:g} s; still to be read: {self.progress()}. "
                    "Nothing was lost: the window is not complete, so it is not loaded"
                )

    def skip(self, facts: TopicFacts) -> bool:
        """Go on without what is not in the log any more, report it as missing, and return whether anything is."""
        lost = False
        for number, offsets in list(self.ahead.items()):
            log, position = facts.partitions[number], self.positions[number]
            low, end = min(max(position, log.low), offsets.end), min(offsets.end, max(log.high, position))
            for start, until in ((position, low), (max(end, low), offsets.end)):
                if start < until:
                    self._passed_over(PassedOver(number, start, until, GapKind.MISSING))
                    lost = True
            if low < end:
                self.positions[number], self.ahead[number] = low, OffsetRange(offsets.topic, number, low, end)
            else:
                del self.ahead[number], self.positions[number]
        return lost

    def beyond(self, facts: TopicFacts) -> str:
        """Return which partitions' windows reach beyond the log's end, with the numbers; empty if none does."""
        return "\n".join(
            f"{offsets.topic}[{number}]: the window ends at {offsets.end} but the log ends at {log.high}; "
            f"{offsets.end - log.high} offsets of it are not there. Set on_data_loss='skip' to load what is"
            for number, offsets in sorted(self.ahead.items())
            if (log := facts.partitions[number]).high < offsets.end
        )

    def progress(self) -> str:
        """Return what is still to be read, such as ``orders[3]@[180, 250)``."""
        return ", ".join(str(offsets) for number in sorted(self.ahead) if (offsets := self._left(number)))

    def _left(self, number: int) -> OffsetRange | None:
        offsets = self.ahead.get(number)
        return offsets and OffsetRange(offsets.topic, number, self.positions[number], offsets.end)

    def _advance(self, consumer: KafkaConsumer) -> bool:
        """Take over the consumer's positions, let go of finished partitions, and return whether anything moved."""
        before = dict(self.positions)
        for number, offsets in list(self.ahead.items()):
            # Without waiting: the next poll drives whatever the client has to ask first.
            position = consumer.position(self._place(number), timeout_ms=0)
            if position is not None:
                self.positions[number] = position
            if self.positions[number] >= offsets.end:
                del self.ahead[number], self.positions[number]
        if len(self.positions) < len(before):
            # Not paused: what was fetched in advance of a paused partition stays in memory.
            self._assign(consumer)
        return self.positions != before

    def _assign(self, consumer: KafkaConsumer) -> None:
        consumer.assign([self._place(number) for number in self.positions])

    def _place(self, number: int) -> TopicPartition:
        from kafka import TopicPartition

        return TopicPartition(self.window.topic, number)

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled(f"asked to stop while reading; still to be read: {self.progress()}")


@contextmanager
def _consumer(settings: KafkaSettings, window: Window) -> Iterator[KafkaConsumer]:
    """Give a consumer, and close it on every path."""
    from kafka import KafkaConsumer

    ours = {**_FETCH, "isolation_level": window.isolation_level.value}
    # The client wants an answer later than the broker may wait with it.
    ours["fetch_max_wait_ms"] = min(POLL_MS, settings.client.get("request_timeout_ms", 30_000) // 2)
    consumer = KafkaConsumer(bootstrap_servers=list(settings.bootstrap_servers), **{**settings.client, **ours})
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)


def _check_topic(settings: KafkaSettings, window: Window) -> None:
    """Ask before anything is read: a consumer would create a topic that is not there."""
    with admin_client(settings) as client:
        description = topic_description(client, window.topic, settings.conn_id)
    if (found := str(description["topic_id"])) != window.topic_id:
        raise TopicReplaced(
            f"{window.topic}: the window was planned on the topic with the id {window.topic_id}, but the topic of this "
            f"name now has {found}: it was deleted and created again, so these offsets mean other records"
        )
    known = {partition["partition_index"] for partition in description["partitions"]}
    if unknown := sorted(set(window.partitions) - known):
        raise UnknownPartition(f"{window.topic}{unknown}: the topic has only the partitions {sorted(known)}")


def _named(error: KafkaError, settings: KafkaSettings, reading: _Reading, seconds: float) -> KafkaOdpsError:
    """Return our error for one of the client's."""
    from kafka.errors import LogTruncationError, OffsetOutOfRangeError

    match error:
        case OffsetOutOfRangeError():
            return _out_of_range(error, settings, reading)
        case LogTruncationError():
            return ReadFailed(
                f"{reading.progress()}: the log was cut below records that it had delivered (an unclean leader "
                f"election); offsets may come a second time with other contents, so nothing is loaded: {error}"
            )
        case _:
            return translated(error, settings, seconds)


def _facts(settings: KafkaSettings, window: Window) -> TopicFacts:
    with admin_client(settings) as client:
        return survey(client, window.topic, Questions(), settings.conn_id)


def _go_on_without(
    reading: _Reading, settings: KafkaSettings, on_data_loss: OnDataLoss, no_progress: NoProgress
) -> None:
    """Skip what lies beyond the end of a log that became shorter, for which a client waits for ever, or raise."""
    try:
        facts = _facts(settings, reading.window)
    except KafkaOdpsError:
        # It is why there was no progress, which is said already.
        raise no_progress from None
    if not (gone := reading.beyond(facts)):
        raise no_progress
    if on_data_loss is OnDataLoss.FAIL:
        raise LogTooShort(gone) from no_progress
    reading.skip(facts)


def _out_of_range(error: KafkaError, settings: KafkaSettings, reading: _Reading) -> KafkaOdpsError:
    """Ask where the logs begin and end now, and say for which partitions the position is outside."""
    facts = _facts(settings, reading.window)
    expired, beyond = [], []
    for number, position in sorted(reading.positions.items()):
        log, where = facts.partitions[number], f"{reading.window.topic}[{number}]"
        if position < log.low:
            expired.append(
                f"{where}: the next offset to read is {position} but the log starts at {log.low}; "
                f"{log.low - position} offsets were deleted before they were loaded"
            )
        elif position > log.high:
            beyond.append(f"{where}: the next offset to read is {position} but the log ends at {log.high}")
    if expired:
        return OffsetsExpired("\n".join(expired))
    return LogTooShort("\n".join(beyond) or f"{reading.progress()}: {error}")
