"""The reading half of the ways that use ``confluent-kafka``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.ways.orders import Orders
from confluent_kafka import Consumer, Message, TopicPartition

_AT_ONCE = 10_000
"""With 50 000, (b) takes as much CPU time, (c) and (c2+) a tenth to a third more, and 100 to 200 MB of memory more."""


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
            "queued.min.messages": 1_000_000,
        }
    )
    wanted = {int(number): end for number, end in ends.items()}
    consumer.assign([TopicPartition(orders.topic, number, 0) for number in wanted])
    left = sum(wanted.values())
    # No message of a batch without later offsets than this has to be looked at.
    harmless = min(wanted.values())
    while left:
        batch: list[Message] = consumer.consume(_AT_ONCE, 1.0)
        if max(map(Message.offset, batch), default=0) >= harmless:
            batch = [each for each in batch if each.offset() < wanted[each.partition()]]
        left -= len(batch)
        if batch:
            yield batch
    consumer.close()
