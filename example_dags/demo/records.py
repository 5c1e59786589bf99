"""The tutorial's table, and what is sent: its two messages, then events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

TOPIC = "testkafka"
PARTITIONS = 10
# [START table]
TABLE = """
CREATE TABLE IF NOT EXISTS testkafka (
  `key` STRING,
  `value` STRING,
  `partition1` STRING,
  `timestamp1` STRING,
  `offset` STRING,
  `t123` STRING,
  `event_id` STRING,
  `tag` STRING
);
"""
# [END table]
_DESCRIPTIONS = ("view", "click", "buy")


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send, without a key."""

    partition: int
    value: str
    sent_at: datetime


def tutorial_messages(hour: datetime) -> Iterator[Message]:
    """Yield `123` and `abc`, then five events; partition 2 gets more than the three that the tutorial loads."""
    yield Message(0, "123", hour)
    yield Message(1, "abc", hour + timedelta(seconds=1))
    for number, partition in enumerate((2, 2, 3, 2, 2), start=1):
        yield _event(number, partition, hour + timedelta(minutes=number))


def more_messages(hour: datetime) -> Iterator[Message]:
    """Yield eight more events; some land in partitions where the tutorial's range 0 to 3 still had room."""
    for number in range(6, 14):
        yield _event(number, number % PARTITIONS, hour + timedelta(minutes=number))


def send(bootstrap_servers: str, messages: Iterable[Message]) -> int:
    """Send all messages, wait until the broker has them, and return how many there were."""
    from kafka import KafkaProducer

    with closing(KafkaProducer(bootstrap_servers=bootstrap_servers)) as producer:
        sent = [
            producer.send(
                TOPIC,
                message.value.encode(),
                partition=message.partition,
                timestamp_ms=int(message.sent_at.timestamp() * 1000),
            )
            for message in messages
        ]
        for each in sent:
            each.get(timeout=30)
    return len(sent)


def _event(number: int, partition: int, sent_at: datetime) -> Message:
    description = _DESCRIPTIONS[number % len(_DESCRIPTIONS)]
    return Message(partition, json.dumps({"event_id": f"e{number:03}", "tag": {"desc": description}}), sent_at)
