"""The reading half of the ways that use ``confluent-kafka``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.ways.orders import Orders
from confluent_kafka import Consumer, Message, TopicPartition

_AT_ONCE = 50_000


def messages(orders: Orders, ends: Mapping[str, int]) -> Iterator[list[Message]]:
    """Yield the messages of ``[0, end)`` of each partition, many at once."""
    consumer = Consumer(
        {
            "bootstrap.servers": orders.servers,
            "group.id": "unused",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.min.bytes": 1 << 20,
            "fetch.wait.max.ms": 50,
            "max.partition.fetch.bytes": 16 << 20,
            "queued.max.messages.kbytes": 256 << 10,
        }
    )
    wanted = {int(number): end for number, end in ends.items()}
    consumer.assign([TopicPartition(orders.topic, number, 0) for number in wanted])
    left = sum(wanted.values())
    while left:
        batch = [each for each in consumer.consume(_AT_ONCE, 1.0) if each.offset() < wanted[each.partition()]]
        left -= len(batch)
        if batch:
            yield batch
    consumer.close()
