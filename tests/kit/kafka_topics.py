"""Topics on the real broker: filled by an independent client, and read by clients that are not ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from confluent_kafka import Consumer, KafkaError, Message, Producer
from confluent_kafka import TopicPartition as Place
from kafka import KafkaConsumer, TopicPartition

from airflow_provider_kafka_odps.core.window.window import Window

Row: TypeAlias = tuple[int, int, int | None, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]
"""Partition, offset, timestamp (ms), kind of timestamp, key, value, headers."""
_SOON = 30.0


def producer(servers: str, **settings: Any) -> Producer:
    """Return a producer that makes the batches of one `produce` call each: `send` flushes.

    What it leaves undecided stays so for as long as a broker allows it: it decides after a minute otherwise, on a slow
    machine in the middle of a module.
    """
    undecided = {"transaction.timeout.ms": 900_000} if "transactional_id" in settings else {}
    named = {key.replace("_", "."): value for key, value in settings.items()}
    return Producer({"bootstrap.servers": servers, "linger.ms": 50, **undecided, **named})


def send(to: Producer, topic: str, values: Iterable[bytes | None], partition: int = 0, **record: Any) -> None:
    """Produce values into one partition, as one batch, and wait until the broker has them."""
    for value in values:
        to.produce(topic, value, partition=partition, **record)
    assert to.flush(_SOON) == 0


def by_kafka_python(servers: str, window: Window) -> list[Row]:
    """Return the window's records as a plain loop over kafka-python reads them."""
    rows: list[Row] = []
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=window.isolation_level.value,
    )
    for offsets in window.ranges:
        place = TopicPartition(window.topic, offsets.partition)
        consumer.assign([place])
        consumer.seek(place, offsets.start)
        while consumer.position(place) < offsets.end:
            for record in consumer.poll(timeout_ms=1_000).get(place, []):
                if record.offset < offsets.end:
                    timestamp = None if record.timestamp == -1 else record.timestamp
                    headers = [tuple(header) for header in record.headers]
                    rows.append(
                        (
                            place.partition,
                            record.offset,
                            timestamp,
                            record.timestamp_type,
                            record.key,
                            record.value,
                            headers,
                        )
                    )
    consumer.close()
    return rows


def by_confluent_kafka(servers: str, window: Window) -> list[Row]:
    """Return the window's records as librdkafka reads them."""
    rows: list[Row] = []
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "never-joined",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": window.isolation_level.value,
            "enable.partition.eof": True,
        }
    )
    for offsets in window.ranges:
        if not offsets.span:
            continue
        consumer.assign([Place(window.topic, offsets.partition, offsets.start)])
        while (message := _next_message(consumer)) is not None and message.offset() < offsets.end:
            rows.append(_row(message))
    consumer.close()
    return rows


def _next_message(consumer: Consumer) -> Message | None:
    """Return the next message, or None at the end of the partition."""
    message = consumer.poll(_SOON)
    assert message is not None, f"no answer within {_SOON} s"
    if (error := message.error()) is None:
        return message
    assert error.code() == KafkaError._PARTITION_EOF, error
    return None


def _row(message: Message) -> Row:
    kind, timestamp = message.timestamp()
    return (
        message.partition(),
        message.offset(),
        timestamp,
        # librdkafka counts from 1.
        kind - 1,
        message.key(),
        message.value(),
        list(message.headers() or []),
    )


def rows_of(batches: Iterable[Any]) -> list[Row]:
    """Return the rows of our Arrow batches, by partition and offset."""
    rows: list[Row] = []
    for batch in batches:
        columns: Mapping[str, list[Any]] = batch.set_column(
            2, "timestamp", batch.column("timestamp").cast("int64")
        ).to_pydict()
        assert len(set(columns["partition"])) == 1
        for partition, offset, timestamp, kind, _, key, value, headers in zip(*columns.values(), strict=True):
            pairs = [(header["key"], header["value"]) for header in headers]
            rows.append((partition, offset, timestamp, kind, key, value, pairs))
    # Partitions come as the broker delivers them; within one the order is the log's.
    return sorted(rows, key=lambda row: row[0])
