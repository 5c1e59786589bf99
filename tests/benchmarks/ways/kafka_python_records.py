"""(a) What people write first, tuned: ``kafka-python``, one record at a time, PyODPS's record writer."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.ways.orders import Orders, obey, picker, wants_json
from benchmarks.ways.sessions import open_session
from kafka import KafkaConsumer, TopicPartition


def load(orders: Orders) -> int:
    """Load all partitions in one loop."""
    consumer = KafkaConsumer(
        bootstrap_servers=orders.servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=20_000,
        fetch_max_bytes=64 << 20,
        max_partition_fetch_bytes=16 << 20,
    )
    ends = {TopicPartition(orders.topic, int(number)): end for number, end in orders.ends.items()}
    consumer.assign(list(ends))
    session = open_session(orders)
    picks = [picker(source, orders.types[name]) for name, source in orders.columns.items()]
    parse = wants_json(orders)
    rows = 0
    with session.open_record_writer(0) as writer:
        # One record object, filled again and again: making one per row costs a third of the time.
        row = session.new_record()
        while rows < orders.rows:
            polled: dict[Any, Any] = consumer.poll(timeout_ms=1_000)
            for place, records in polled.items():
                for record in records:
                    if record.offset >= ends[place]:
                        break
                    document = json.loads(record.value) if parse else None
                    for index, pick in enumerate(picks):
                        row[index] = pick(
                            record.key, record.value, record.partition, record.offset, record.timestamp, document
                        )
                    writer.write(row)
                    rows += 1
    session.commit([0])
    consumer.close()
    return rows


if __name__ == "__main__":
    obey(load)
