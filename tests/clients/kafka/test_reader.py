from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import kafka
import pytest
from conftest import MakeTopic
from core.examples import offsets_in, ranges_of
from demo.broker import Broker
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kit.asked import AskedBy
from kit.kafka_topics import Row, by_confluent_kafka, by_kafka_python, producer, rows_of, send
from pytest_mock import MockerFixture
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.kafka import seam
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    CorruptBatch,
    LogTooShort,
    LogTruncated,
    NoProgress,
    OffsetsExpired,
    ReadAgain,
    ReadFailed,
    TopicReplaced,
    UnknownPartition,
    UnknownTopic,
    Unreachable,
)
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
HOUR = 3_600_000


def _hook(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> KafkaHook:
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    return KafkaHook()


@pytest.fixture
def hook(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> KafkaHook:
    """Return a hook on the real broker."""
    return _hook(monkeypatch, **{"bootstrap.servers": broker.bootstrap_servers})


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def _at(window: Window, **ranges: tuple[int, int]) -> Window:
    """Return the window with other ranges, such as `p0=(3, 5)`."""
    return replace(window, ranges=ranges_of(window.topic, {int(name[1:]): bounds for name, bounds in ranges.items()}))


@pytest.fixture(scope="module")
def mixed(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic: 0 has every codec, 1 transactions of every fate, 2 nothing."""
    topic = make_topic(3)
    for round_ in range(3):
        for codec in CODECS:
            to = producer(broker.bootstrap_servers, compression_type=codec)
            headers = [("codec", codec.encode()), ("größe", None), ("codec", b"again")]
            send(
                to,
                topic,
                [json.dumps({"n": n, "pad": "x" * 40}).encode() for n in range(40)],
                key=b"k",
                headers=headers,
            )
            send(to, topic, [None, b"", f"{codec} {round_}".encode()])
    undecided = producer(broker.bootstrap_servers, transactional_id=str(uuid.uuid4()))
    for to in (decided := producer(broker.bootstrap_servers, transactional_id=str(uuid.uuid4())), undecided):
        to.init_transactions(30)
    for index, end in enumerate([decided.commit_transaction, decided.abort_transaction] * 2):
        decided.begin_transaction()
        send(decided, topic, [f"transaction {index}, {n}".encode() for n in range(5)], partition=1)
        end(30)
        send(producer(broker.bootstrap_servers), topic, [f"between {index}".encode()], partition=1)
    undecided.begin_transaction()
    send(undecided, topic, [b"open"], partition=1)
    send(producer(broker.bootstrap_servers), topic, [b"behind the open one"], partition=1)
    return topic


@pytest.fixture(scope="module")
def compacted(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of whose records compaction has removed some, at the start, inside and at the end of batches."""
    topic = make_topic(
        2,
        {
            "cleanup.policy": "compact",
            "segment.ms": "1000",
            "min.cleanable.dirty.ratio": "0.0001",
            "delete.retention.ms": "0",
        },
    )
    to = producer(broker.bootstrap_servers)
    first = int(time.time() * 1000) - 10 * HOUR
    for hour in range(6):
        for partition in range(2):
            for n in range(30):
                # The earlier a key, the later it comes again: each batch loses records in several places.
                key = f"{n % (7 + hour)}".encode()
                to.produce(topic, None if n % 5 == 4 else b"v", key, partition=partition, timestamp=first + hour * HOUR)
            assert to.flush(30) == 0
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest")
    places = [TopicPartition(topic, number) for number in range(2)]
    consumer.assign(places)

    def is_compacted() -> bool:
        consumer.seek_to_beginning()
        counts = dict.fromkeys(places, 0)
        while any(consumer.position(place) < 180 for place in places):
            for place, records in consumer.poll(timeout_ms=1_000).items():
                counts[place] += len(records)
        return all(count < 100 for count in counts.values())

    _until(is_compacted)
    consumer.close()
    return topic


@pytest.mark.parametrize("isolation_level", list(IsolationLevel))
@pytest.mark.parametrize("name", ["mixed", "compacted"])
def test_three_clients_read_the_same(
    name: str, isolation_level: IsolationLevel, hook: KafkaHook, broker: Broker, request: pytest.FixtureRequest
) -> None:
    """Over compacted, transactional and mixed-codec logs, ours equals kafka-python's loop and librdkafka."""
    window = hook.plan(request.getfixturevalue(name), "earliest", "latest", isolation_level=isolation_level)
    seen = rows_of(hook.read(window))
    assert seen == by_kafka_python(broker.bootstrap_servers, window)
    assert seen == by_confluent_kafka(broker.bootstrap_servers, window)
    assert 0 < len(seen) < window.span


def test_transactions_are_what_they_became(hook: KafkaHook, mixed: str) -> None:
    """A committed reader sees committed transactions and what was never in one, and stops before the open one."""
    window = hook.plan(mixed, "earliest", "latest", partitions=frozenset({1}))
    values = [row[5] for row in rows_of(hook.read(window))]
    assert [value for value in values if value and value.startswith(b"transaction")] == [
        f"transaction {index}, {n}".encode() for index in (0, 2) for n in range(5)
    ]
    assert b"open" not in values
    assert b"behind the open one" not in values


@pytest.fixture(scope="module")
def plain(broker: Broker, mixed: str) -> list[Row]:
    """Return what kafka-python reads of `mixed`, all of it that is decided."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, isolation_level="read_committed")
    ends = consumer.end_offsets([TopicPartition(mixed, 0), TopicPartition(mixed, 1)])
    consumer.close()
    window = _any_window(mixed, {place.partition: (0, end) for place, end in ends.items()})
    return by_kafka_python(broker.bootstrap_servers, window)


def _any_window(topic: str, partitions: dict[int, tuple[int, int]]) -> Window:
    """Return a window that nobody planned."""
    given = ResolvedBound("0", "given", None)
    level = IsolationLevel.READ_COMMITTED
    ranges = ranges_of(topic, partitions)
    return Window(topic, "an-id", "a-cluster", level, datetime(2026, 11, 22, tzinfo=UTC), given, given, ranges)


@pytest.mark.parametrize(
    "ranges",
    [
        {"p0": (0, 1)},
        {"p0": (39, 45)},
        {"p0": (100, 100)},
        {"p0": (123, 300), "p1": (2, 9)},
        {"p1": (5, 6), "p2": (0, 0)},
        {"p1": (7, 13)},
        {"p0": (250, 251), "p1": (0, 25)},
    ],
)
def test_a_window_is_read_exactly(
    ranges: dict[str, tuple[int, int]], hook: KafkaHook, mixed: str, plain: list[Row]
) -> None:
    """Windows that start or end inside batches, cover some partitions, or nothing, give their records and no others."""
    window = _at(hook.plan(mixed, "earliest", "latest"), **ranges)
    wanted = offsets_in(window)
    expected = [row for row in plain if row[0] in wanted and row[1] in range(*wanted[row[0]])]
    assert rows_of(hook.read(window)) == expected


def test_windows_tile_the_log(hook: KafkaHook, mixed: str, plain: list[Row]) -> None:
    """Neighbouring windows of any size give every record once."""
    whole = hook.plan(mixed, "earliest", "latest", partitions=frozenset({0}))
    edges = [*range(0, 645, 71), 645]
    seen = [row for pair in itertools.pairwise(edges) for row in rows_of(hook.read(_at(whole, p0=pair)))]
    assert seen == [row for row in plain if row[0] == 0]
    assert edges[-1] == whole.ranges[0].end


def test_batches_have_the_schema_and_what_is_wanted(hook: KafkaHook, mixed: str) -> None:
    """Batches are of BATCH_SCHEMA; what is not wanted is null, offsets are there always."""
    window = hook.plan(mixed, "earliest", "latest", partitions=frozenset({0}))
    for batch in hook.read(window, wanted=frozenset({"value"})):
        assert batch.schema == BATCH_SCHEMA
        assert batch.column("key").null_count == batch.column("headers").null_count == batch.num_rows
        assert batch.column("value").null_count < batch.num_rows
        assert batch.column("offset").null_count == 0


def test_an_empty_window_needs_no_broker(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window without offsets ends at once, and nobody is asked."""
    hook = _hook(monkeypatch, **{"bootstrap.servers": f"127.0.0.1:{closed_port}"})
    assert list(hook.read(_any_window("orders", {0: (7, 7)}))) == []


def test_an_unreachable_broker_is_named(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody answers, the error says at which address, by which connection, and how long it was tried."""
    servers = f"127.0.0.1:{closed_port}"
    hook = _hook(monkeypatch, **{"bootstrap.servers": servers, "socket.connection.setup.timeout.ms": 700})
    with pytest.raises(Unreachable, match=rf"connection 'kafka_default', Kafka at {servers}: no answer within \d+ s"):
        next(hook.read(_any_window("orders", {0: (0, 1)})))


def test_an_unknown_topic_is_not_created(hook: KafkaHook, admin: KafkaAdminClient) -> None:
    """Reading a topic that is not there says so, and it is still not there."""
    topic = f"missing-{uuid.uuid4().hex[:12]}"
    with pytest.raises(UnknownTopic, match=topic):
        next(hook.read(_any_window(topic, {0: (0, 1)})))
    assert topic not in admin.list_topics()


def test_a_replaced_topic_is_refused(
    hook: KafkaHook, admin: KafkaAdminClient, broker: Broker, make_topic: MakeTopic
) -> None:
    """A topic that was deleted and created again under its name is another one, though its offsets exist."""
    topic = make_topic()
    send(producer(broker.bootstrap_servers), topic, [b"old"])
    window = hook.plan(topic, "earliest", "latest")
    admin.delete_topics([topic])
    _until(lambda: topic not in admin.list_topics())
    admin.create_topics([kafka.admin.NewTopic(topic, 1, 1)])
    send(producer(broker.bootstrap_servers), topic, [b"new"])
    with pytest.raises(TopicReplaced, match=rf"{topic}.*{window.topic_id}.*{hook.topic_id(topic)}"):
        next(hook.read(window))


def test_an_unknown_partition_is_refused(hook: KafkaHook, mixed: str) -> None:
    """A partition that the topic does not have is named, with those that it has."""
    window = _at(hook.plan(mixed, "earliest", "latest"), p0=(0, 1), p7=(0, 1))
    with pytest.raises(UnknownPartition, match=rf"{mixed}\[7\]: the topic has 3 partitions .*; 1 offsets .*\[0, 1\)"):
        next(hook.read(window))


def test_expired_offsets_are_refused(
    hook: KafkaHook, admin: KafkaAdminClient, broker: Broker, make_topic: MakeTopic
) -> None:
    """A window whose first records were deleted since it was planned fails with the numbers; nothing slides."""
    topic = make_topic(2)
    for partition in range(2):
        send(producer(broker.bootstrap_servers), topic, [b"v"] * 10, partition=partition)
    window = hook.plan(topic, "earliest", "latest")
    admin.delete_records({TopicPartition(topic, 1): 4})
    with pytest.raises(
        OffsetsExpired, match=rf"{topic}\[1\]: .* is 0 but the log starts at 4; 4 offsets are no longer"
    ):
        list(hook.read(window))


def test_a_start_beyond_the_log_is_refused(hook: KafkaHook, mixed: str) -> None:
    """A window that starts above the log end (a journal from before a loss) fails with the numbers."""
    window = _at(hook.plan(mixed, "earliest", "latest"), p0=(5_000, 6_000))
    with pytest.raises((LogTooShort, NoProgress), match=rf"{mixed}\[0\].*5000"):
        list(hook.read(window, poll_timeout=1.0))


def test_a_log_that_is_too_short_never_ends_the_window(hook: KafkaHook, mixed: str) -> None:
    """Offsets that do not exist are waited for until the deadline; then it fails, and says how many there are not."""
    window = _at(hook.plan(mixed, "earliest", "latest"), p0=(600, 700))
    with pytest.raises(LogTooShort, match=rf"{mixed}\[0\]: .* ends at 700 but the log ends at 645; 55 offsets"):
        list(hook.read(window, poll_timeout=0.5))


def test_a_log_that_was_cut_below_the_reader_is_never_guessed_about(
    hook: KafkaHook, mixed: str, mocker: MockerFixture
) -> None:
    """Records that were delivered and are gone fail the read; where loss is skipped, a retry reads what is left."""
    window = _at(hook.plan(mixed, "earliest", "latest"), p0=(600, 645))
    kept = kafka.OffsetAndMetadata(590, "", -1)
    cut = LogTruncationError({TopicPartition(mixed, 0): kept, TopicPartition(mixed, 1): None})
    mocker.patch.object(seam.BatchConsumer, "poll", side_effect=cut)
    where = (
        rf"(?s){mixed}\[0\]: the log was truncated to offset 590, below 600.*{mixed}\[1\]: .* to offset \?, below \?"
    )
    with pytest.raises(LogTruncated, match=where) as refused:
        list(hook.read(window))
    assert not refused.value.retry_helps
    with pytest.raises(ReadAgain, match=where):
        list(hook.read(window, on_data_loss=OnDataLoss.SKIP))
    assert ReadAgain.retry_helps


def test_an_offset_that_the_broker_denies_once_is_read_again(
    hook: KafkaHook, mixed: str, plain: list[Row], mocker: MockerFixture
) -> None:
    """A leader that is not up to date yet loses nothing; one that never is fails the read."""
    window = hook.plan(mixed, "earliest", "latest")
    sound, denials = seam.BatchConsumer.poll, iter(["once"])

    def poll(consumer: seam.BatchConsumer, timeout_ms: int) -> Any:
        if next(denials, None):
            raise OffsetOutOfRangeError({})
        return sound(consumer, timeout_ms)

    mocker.patch.object(seam.BatchConsumer, "poll", poll)
    assert rows_of(hook.read(window)) == plain
    denials = itertools.repeat("always")
    with pytest.raises(ReadFailed, match=rf"{mixed}\[0\]@\[0, 645\).*twice said that it has no such offset"):
        list(hook.read(window))


@contextmanager
def _taking(clock: HandClock, seconds: float) -> Iterator[None]:
    """Let so much time pass while the broker is waited for."""
    yield
    clock.sleep(seconds)


def test_an_open_transaction_never_ends_the_window(hook: KafkaHook, mixed: str) -> None:
    """Offsets that exist and are not decided yet are waited for until the deadline; then it fails."""
    high = hook.survey(mixed).partitions[1].high
    window = _at(hook.plan(mixed, "earliest", "latest"), p1=(0, high))
    left = rf"{mixed}\[1\]@\[\d+, {high}\)\."
    clock = HandClock()
    batches = KafkaHook(clock=clock).read(window, poll_timeout=600, waiting=lambda: _taking(clock, 250))
    with pytest.raises(NoProgress, match=rf"sent no records for 600 s; still to be read: {left}"):
        list(batches)
    # What was there came in the first polls; the deadline counts from the last of them.
    assert 750 <= clock.seconds <= 1_500


def test_the_callers_time_does_not_count(hook: KafkaHook, mixed: str) -> None:
    """A caller that needs longer than `poll_timeout` for a batch still gets the next one."""
    clock = HandClock()
    window = _at(hook.plan(mixed, "earliest", "latest"), p0=(0, 645), p1=(0, 10))
    batches = KafkaHook(clock=clock).read(window, poll_timeout=60)
    first = next(batches)
    clock.sleep(3_600)
    assert len(rows_of([first, *batches])) > first.num_rows


def test_a_short_request_timeout_is_possible(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, mixed: str, plain: list[Row]
) -> None:
    """A connection whose timeout is below the usual wait of a fetch is read as any other."""
    hook = _hook(monkeypatch, **{"bootstrap.servers": broker.bootstrap_servers, "socket.timeout.ms": 400})
    assert rows_of(hook.read(hook.plan(mixed, "earliest", "latest"))) == plain


def test_cancelling_stops_within_a_poll(hook: KafkaHook, mixed: str) -> None:
    """A reader that waits for records leaves when it is told to, and says what is missing."""
    asked = iter([False] * 10)
    high = hook.survey(mixed).partitions[1].high
    window = _at(hook.plan(mixed, "earliest", "latest"), p1=(high - 1, high))
    with pytest.raises(Cancelled, match=rf"still to be read: {mixed}\[1\]@\[{high - 1}, {high}\)"):
        list(hook.read(window, check=AskedBy(lambda: next(asked, True)).check))


def _to_the_end(batches: Iterator[Any]) -> None:
    assert list(batches)


def _left_early(batches: Any) -> None:
    next(batches)
    batches.close()


def _failing(batches: Any) -> None:
    next(batches)
    with pytest.raises(ZeroDivisionError):
        batches.throw(ZeroDivisionError())


@pytest.mark.parametrize("way", [_to_the_end, _left_early, _failing])
def test_the_consumer_is_closed_on_every_path(
    way: Callable[[Any], None], hook: KafkaHook, mixed: str, mocker: MockerFixture
) -> None:
    """Whether the window is read to its end, left early or fails: the consumer is closed, once."""
    closed = mocker.spy(kafka.KafkaConsumer, "close")
    way(hook.read(hook.plan(mixed, "earliest", "latest")))
    assert closed.call_count == 1


def test_a_flipped_bit_on_the_way_is_read_again(
    hook: KafkaHook, mixed: str, plain: list[Row], mocker: MockerFixture
) -> None:
    """A batch that fails its CRC check once is fetched again, and nothing is missing or doubled."""
    from kafka.record.default_records import DefaultRecordBatch

    sound = DefaultRecordBatch.validate_crc
    answers = iter([True, True, False])
    mocker.patch.object(DefaultRecordBatch, "validate_crc", lambda batch: next(answers, True) and sound(batch))
    assert rows_of(hook.read(hook.plan(mixed, "earliest", "latest"))) == plain
    assert next(answers, None) is None


def test_a_flipped_bit_on_the_disk_is_refused(hook: KafkaHook, broker: Broker, make_topic: MakeTopic) -> None:
    """A batch that the broker itself has damaged is CorruptBatch, with topic, partition and position."""
    if not broker.nodes:
        pytest.skip("only a broker of our own has a disk that may be damaged")
    topic = make_topic()
    send(producer(broker.bootstrap_servers), topic, [b"sound"] * 3)
    send(producer(broker.bootstrap_servers), topic, [b"damaged"] * 3)
    window = hook.plan(topic, "earliest", "latest")
    (segment,) = broker.nodes[0].home.glob(f"records/{topic}-0/*.log")
    octets = segment.read_bytes()
    segment.write_bytes(octets.replace(b"damaged", b"dAmaged"))
    batches = hook.read(window)
    assert [row[5] for row in rows_of([next(batches)])] == [b"sound"] * 3
    with pytest.raises(CorruptBatch, match=rf"read twice from {topic}\[0\]@\[3, 6\): .*failed crc check"):
        next(batches)
