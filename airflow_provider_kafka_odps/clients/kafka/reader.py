"""Reading a window: assign, seek, poll until every partition's position has reached its end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.clients.kafka.consumer import POLL_MS, consumer_of
from airflow_provider_kafka_odps.clients.kafka.errors import needing, translated
from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.load.resources import answer_bytes
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.losses import losses, refusal
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    CorruptBatch,
    LogTruncated,
    NoProgress,
    ReadAgain,
    ReadFailed,
    TopicReplaced,
    Unreachable,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError, LogTruncationError

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder


def read_window(  # noqa: PLR0913 - named at the one call
    cluster: Cluster,
    window: Window,
    *,
    wanted: frozenset[str],
    poll_timeout: float,
    check: Callable[[], None],
    passed_over: Callable[[PassedOver], None],
    on_data_loss: OnDataLoss,
    fetch_bytes: int,
    unpack_limit: int,
    waited: Callable[[float], None],
) -> Generator[pa.RecordBatch]:
    """Yield every record of the window as Arrow batches of ``decoding.batch.BATCH_SCHEMA``, one partition in each.

    Ends when the position of every partition has reached its end, and only then: offsets without records (compaction,
    transaction markers, aborted transactions) are passed like others. Time that the caller takes between two batches
    does not count against ``poll_timeout``, in seconds.

    ``passed_over`` gets markers and aborted transactions before positions move past them, some perhaps twice and
    some beyond the window. ``waited`` gets the seconds that each wait for the broker took. A response holds up to
    ``fetch_bytes``, see ``answer_bytes``, or one record batch that is larger; a batch may unpack to ``unpack_limit``
    bytes.

    Raises UnknownTopic, UnknownPartition, TopicReplaced, OffsetsExpired, LogTooShort, LogTruncated, NoProgress,
    CorruptBatch, ReadFailed, Unreachable, BrokerRefused, and within a second what ``check`` raises.
    """
    from kafka.errors import KafkaError

    from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder

    # A broker that answers late is no progress, and that has its deadline: the client's own is shorter.
    cluster = cluster.waiting(poll_timeout)
    clock, decoder = cluster.clock, BatchDecoder(wanted, unpack_limit)
    reading = _Reading(window, decoder, poll_timeout, clock, check, passed_over, waited)
    if not reading.ahead:
        return
    # Before anything is read: records that are no longer in the log would be waited for until the deadline.
    facts = _facts(cluster, reading)
    reading.check_log(facts, on_data_loss)
    fetch_bytes = answer_bytes(fetch_bytes, facts.leaders, window.span)
    started = clock.monotonic()
    while reading.ahead:
        try:
            with (
                needing(f"Read on Topic {window.topic!r}"),
                consumer_of(cluster, window, fetch_bytes, reading.check) as consumer,
            ):
                yield from reading.read_remaining(consumer)
        except NoProgress as error:
            # A client waits for ever beyond the end of a log that became shorter.
            if not reading.check_log(_facts_or(error, cluster, reading), on_data_loss):
                raise
        except KafkaError as error:
            _recover(error, cluster, reading, on_data_loss, clock.monotonic() - started)


class _Reading:
    """How far the window has been read."""

    def __init__(
        self,
        window: Window,
        decoder: BatchDecoder,
        poll_timeout: float,
        clock: Clock,
        check: Callable[[], None],
        passed_over: Callable[[PassedOver], None],
        waited: Callable[[float], None],
    ) -> None:
        self.window = window
        self.ahead = {offsets.partition: offsets for offsets in window.ranges if offsets.span}
        """What is not finished yet, by partition."""
        self.positions = {number: offsets.start for number, offsets in self.ahead.items()}
        """The next offset to read of each partition that is not finished."""
        self._decoder, self._poll_timeout, self._clock = decoder, poll_timeout, clock
        self._check, self._passed_over, self._waited = check, passed_over, waited
        self._tried_at: dict[int, int] | None = None

    def try_again(self) -> bool:
        """Return whether to read from these positions once more: not a third time."""
        again = self._tried_at != self.positions
        self._tried_at = dict(self.positions)
        return again

    def read_remaining(self, consumer: KafkaConsumer) -> Iterator[pa.RecordBatch]:
        """Yield what is ahead of the positions, by a new consumer."""
        from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer

        batch_consumer = BatchConsumer(consumer)
        self._assign(consumer)
        for number, position in self.positions.items():
            consumer.seek(self._place(number), position)
        quiet_since = self._clock.monotonic()
        while self.ahead:
            self.check()
            asked = self._clock.monotonic()
            polled = batch_consumer.poll(POLL_MS)
            self._waited(self._clock.monotonic() - asked)
            for place, spans in batch_consumer.take_passed_over().items():
                for span in spans:
                    kind = GapKind(span.kind.value)
                    passed = OffsetRange(place.topic, place.partition, span.base_offset, span.next_offset)
                    self._passed_over(PassedOver(passed, kind))
            for place, batches in polled.items():
                # The client may still hold batches of a partition that is finished.
                if offsets := self._left(place.partition):
                    for decoded in self._decoder.decode(batches, offsets):
                        yield decoded
                        self.check()
            if self._advance(consumer) or polled:
                quiet_since = self._clock.monotonic()
            elif self._clock.monotonic() - quiet_since > self._poll_timeout:
                raise NoProgress(
                    f"the broker sent no records for {self._poll_timeout:g} s; still to be read: {self.progress()}. "
                    "Nothing was lost: the window is incomplete, so it is not loaded"
                )

    def check_log(self, facts: TopicFacts, on_data_loss: OnDataLoss) -> bool:
        """Return whether anything ahead is not in the log; go on without it, reported as missing, or raise."""
        left = [offsets for number in sorted(self.ahead) if (offsets := self._left(number))]
        found = list(losses(left, facts))
        if found and on_data_loss is OnDataLoss.FAIL:
            raise refusal(found)
        for loss in found:
            self._go_on_without(loss.lost)
        return bool(found)

    def _go_on_without(self, lost: OffsetRange) -> None:
        number, end = lost.partition, self.ahead[lost.partition].end
        self._passed_over(PassedOver(lost, GapKind.MISSING))
        if lost.end < end:
            self.positions[number] = lost.end
        elif self.positions[number] < lost.start:
            self.ahead[number] = OffsetRange(lost.topic, number, self.positions[number], lost.start)
        else:
            del self.ahead[number], self.positions[number]

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

    def check(self) -> None:
        """Raise what ends the read, a Cancelled with what is still to be read."""
        try:
            self._check()
        except Cancelled as error:
            raise Cancelled(f"{error}; still to be read: {self.progress()}") from error


def _recover(error: KafkaError, cluster: Cluster, reading: _Reading, on_data_loss: OnDataLoss, seconds: float) -> None:
    """Return where a new consumer may go on, or raise our error for one of the client's."""
    from kafka.errors import CorruptRecordError, LogTruncationError, OffsetOutOfRangeError

    match error:
        case CorruptRecordError():
            # A bit that flipped on the way is not there the second time; one that flipped on a disk is.
            if not reading.try_again():
                raise CorruptBatch(f"read twice from {reading.progress()}: {error}") from error
        case OffsetOutOfRangeError():
            # Records that expired while they were waited for; where none is lost, a leader that is not yet up to date.
            if not reading.check_log(_facts(cluster, reading), on_data_loss) and not reading.try_again():
                raise ReadFailed(f"{reading.progress()}: the broker twice said that it has no such offset") from error
        case LogTruncationError():
            raise _truncated(error, reading, on_data_loss) from error
        case _:
            raise translated(error, cluster, seconds) from error


def _facts(cluster: Cluster, reading: _Reading) -> TopicFacts:
    """Ask where the logs begin and end now, of the same topic still: a consumer would create one that is not there."""

    def ask() -> TopicFacts:
        with open_admin(cluster) as admin:
            return admin.survey(reading.window.topic, Questions())

    facts, window = interruptible(ask, reading.check), reading.window
    if facts.topic_id != window.topic_id:
        raise TopicReplaced(
            f"{window.topic}: the window was planned on the topic with the id {window.topic_id}, but the topic of this "
            f"name now has {facts.topic_id}: it was deleted and created again, so these offsets mean other records; "
            f"still to be read was: {reading.progress()}"
        )
    return facts


def _facts_or(no_progress: NoProgress, cluster: Cluster, reading: _Reading) -> TopicFacts:
    try:
        return _facts(cluster, reading)
    except Unreachable:
        # It is why there was no progress; the caller's error says that.
        raise no_progress from None


def _truncated(error: LogTruncationError, reading: _Reading, on_data_loss: OnDataLoss) -> LogTruncated:
    """Return the error for records that were delivered and are not in the log any more."""
    truncated = "\n".join(
        f"{place.topic}[{place.partition}]: the log was truncated to offset "
        f"{'?' if kept is None else kept.offset}, below {reading.positions.get(place.partition, '?')}, up to which it "
        "had been read (an unclean leader election)"
        for place, kept in sorted(error.divergent_offsets.items())
    )
    if on_data_loss is OnDataLoss.SKIP:
        return ReadAgain(f"{truncated}\nNothing was committed; the next attempt loads what the log has then")
    return LogTruncated(
        f"{truncated}\nThe same offsets may have other records now, so nothing was committed. Clear the task with "
        "on_data_loss='skip' to load what is there now"
    )
