"""(a) What people write first, tuned: ``kafka-python``, one record at a time, PyODPS's record writer."""

from __future__ import annotations

import gc
from typing import Any

from benchmarks.ways.orders import Orders, obey
from benchmarks.ways.sessions import open_session
from benchmarks.ways.written_out import decoder, loop
from kafka import KafkaConsumer, TopicPartition

_AT_ONCE = 50_000
"""With 10 000, W1 takes as much CPU time, and W2 a tenth more."""
_PARTS = {f"__{name}__": f"record.{name}" for name in ("key", "value", "partition", "offset", "timestamp")}


def load(orders: Orders) -> int:
    """Load all partitions in one loop."""
    # Thousands of records are alive at a time: the collector would look through them again and again.
    gc.disable()
    consumer = KafkaConsumer(
        bootstrap_servers=orders.servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=_AT_ONCE,
        fetch_max_bytes=64 << 20,
        max_partition_fetch_bytes=16 << 20,
    )
    ends = {TopicPartition(orders.topic, int(number)): end for number, end in orders.ends.items()}
    consumer.assign(list(ends))
    session = open_session(orders)
    decode = decoder(orders)
    write_rows = loop(orders, _PARTS)
    rows = 0
    with session.open_record_writer(0) as writer:
        # One record object, filled again and again: making one per row costs a third of the time.
        row = session.new_record()
        while rows < orders.rows:
            polled: dict[Any, Any] = consumer.poll(timeout_ms=1_000)
            for place, records in polled.items():
                if records[-1].offset >= ends[place]:
                    records = [each for each in records if each.offset < ends[place]]  # noqa: PLW2901 - a few are left
                write_rows(records, row, writer.write, decode)
                rows += len(records)
    session.commit([0])
    consumer.close()
    return rows


if __name__ == "__main__":
    obey(load)
