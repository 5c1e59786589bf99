"""Reading a window: assign, seek, poll until every partition's position has reached its end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Self

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.clients.kafka.consumer import consumer_of
from airflow_provider_kafka_odps.clients.kafka.errors import needing, translated
from airflow_provider_kafka_odps.clients.kafka.reading import Reading
from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.load.resources import answer_bytes
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    CorruptBatch,
    LogTruncated,
    NoProgress,
    ReadAgain,
    ReadFailed,
    Unreachable,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from kafka.errors import KafkaError, LogTruncationError

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer


class WindowReader:
    """Reads windows of one topic, one after the other, with one consumer for as long as nothing goes wrong.

    To be used as a context, by one thread at a time.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        wanted: frozenset[str],
        poll_timeout: float,
        check: Callable[[], None],
        on_data_loss: OnDataLoss,
        fetch_bytes: int,
        unpack_limit: int,
        facts: TopicFacts | None = None,
    ) -> None:
        """Take what ``read_window`` takes."""
        from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder

        # A broker that answers late is no progress, and that has its deadline: the client's own is shorter.
        self._cluster = cluster.waiting(poll_timeout)
        self._decoder = BatchDecoder(wanted, unpack_limit)
        self._poll_timeout, self._check, self._on_data_loss = poll_timeout, check, on_data_loss
        self._fetch_bytes, self._facts = fetch_bytes, facts
        self._open = ExitStack()
        self._consumer: BatchConsumer | None = None
        self._is_reading = self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # A thread that nobody waits for may still be at it: it closes what it has when it finds out.
        self._is_left = True
        if not self._is_reading:
            self._close()

    def read(
        self,
        window: Window,
        passed_over: Callable[[PassedOver], None],
        waiting: Callable[[], AbstractContextManager[object]],
    ) -> Generator[pa.RecordBatch]:
        """Yield every record of a window, as ``read_window`` does."""
        clock = self._cluster.clock
        reading = Reading(window, self._decoder, self._poll_timeout, clock, self._check, passed_over, waiting)
        if not reading.ahead:
            return
        self._is_reading, ended = True, False
        try:
            yield from self._read(reading)
            ended = True
        finally:
            self._is_reading = False
            if not ended or self._is_left:
                # After an error, or in the middle of a window, a consumer can only be closed.
                self._close()

    def _read(self, reading: Reading) -> Iterator[pa.RecordBatch]:
        from kafka.errors import KafkaError

        cluster, clock, window = self._cluster, self._cluster.clock, reading.window
        # Before anything is read: records that are no longer in the log would be waited for until the deadline.
        facts = _facts(cluster, reading) if self._facts is None else reading.of_the_plan(self._facts)
        reading.check_log(facts, self._on_data_loss)
        fetch_bytes = answer_bytes(self._fetch_bytes, facts.leaders, window.span)
        started = clock.monotonic()
        while reading.ahead:
            try:
                with needing(f"Read on Topic {window.topic!r}"):
                    yield from reading.read_remaining(self._consumer_of(window, fetch_bytes, reading.check))
            except NoProgress as error:
                self._close()
                # A client waits for ever beyond the end of a log that became shorter.
                if not reading.check_log(_facts_or(error, cluster, reading), self._on_data_loss):
                    raise
            except KafkaError as error:
                self._close()
                _recover(error, cluster, reading, self._on_data_loss, clock.monotonic() - started)

    def _consumer_of(self, window: Window, fetch_bytes: int, check: Callable[[], None]) -> BatchConsumer:
        from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer

        if self._consumer is None:
            opened = self._open.enter_context(consumer_of(self._cluster, window, fetch_bytes, check))
            self._consumer = BatchConsumer(opened)
        return self._consumer

    def _close(self) -> None:
        self._consumer = None
        self._open.close()


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
    waiting: Callable[[], AbstractContextManager[object]],
) -> Generator[pa.RecordBatch]:
    """Yield every record of the window as Arrow batches of ``decoding.batch.BATCH_SCHEMA``, one partition in each.

    Ends when the position of every partition has reached its end, and only then: offsets without records (compaction,
    transaction markers, aborted transactions) are passed like others. Time that the caller takes between two batches
    does not count against ``poll_timeout``, in seconds.

    ``passed_over`` gets markers and aborted transactions before positions move past them, some perhaps twice and
    some beyond the window. ``waiting`` is entered for as long as the broker is waited for. A response holds up to
    ``fetch_bytes``, see ``answer_bytes``, or one record batch that is larger; a batch may unpack to ``unpack_limit``
    bytes.

    Raises UnknownTopic, UnknownPartition, TopicReplaced, OffsetsExpired, LogTooShort, LogTruncated, NoProgress,
    CorruptBatch, ReadFailed, Unreachable, BrokerRefused, and within a second what ``check`` raises.
    """
    with WindowReader(
        cluster,
        wanted=wanted,
        poll_timeout=poll_timeout,
        check=check,
        on_data_loss=on_data_loss,
        fetch_bytes=fetch_bytes,
        unpack_limit=unpack_limit,
    ) as reader:
        yield from reader.read(window, passed_over, waiting)


def _recover(error: KafkaError, cluster: Cluster, reading: Reading, on_data_loss: OnDataLoss, seconds: float) -> None:
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


def _facts(cluster: Cluster, reading: Reading) -> TopicFacts:
    """Ask where the logs begin and end now, of the same topic still: a consumer would create one that is not there."""

    def ask() -> TopicFacts:
        with open_admin(cluster) as admin:
            return admin.survey(reading.window.topic, Questions())

    return reading.of_the_plan(interruptible(ask, reading.check))


def _facts_or(no_progress: NoProgress, cluster: Cluster, reading: Reading) -> TopicFacts:
    try:
        return _facts(cluster, reading)
    except Unreachable:
        # It is why there was no progress; the caller's error says that.
        raise no_progress from None


def _truncated(error: LogTruncationError, reading: Reading, on_data_loss: OnDataLoss) -> LogTruncated:
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
