"""Topics of the benchmark: made once, by a client that is not ours."""

from __future__ import annotations

import uuid

from benchmarks.events import START_MS
from benchmarks.workloads import Workload
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

_SOON = 600.0


def fill(servers: str, workload: Workload, rows: int, seed: int) -> str:
    """Create the workload's topic with ``rows`` records, one millisecond apart, and return its name."""
    topic = f"bench-{workload.name.lower()}-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": servers})
    (created,) = admin.create_topics(
        [NewTopic(topic, workload.partitions, 1, config={"max.message.bytes": "4000000"})]
    ).values()
    created.result(_SOON)
    batch = {"batch.num.messages": workload.records_per_batch} if workload.records_per_batch else {}
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": workload.compression,
            "linger.ms": 50,
            "queue.buffering.max.messages": 500_000,
            "message.max.bytes": 4_000_000,
            **batch,
        }
    )
    for number, value in enumerate(workload.values(rows, seed)):
        place = workload.partition_of(number)
        while True:
            try:
                producer.produce(topic, value, b"k%06d" % (number % 1_000_000), place, timestamp=START_MS + number)
                break
            except BufferError:
                producer.poll(0.1)
    left = producer.flush(_SOON)
    if left:
        raise RuntimeError(f"{left} records of {topic} did not reach the broker")
    return topic
