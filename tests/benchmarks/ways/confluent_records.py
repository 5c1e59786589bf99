"""(b) ``confluent-kafka``, whose core is C, and PyODPS's record writer."""

from __future__ import annotations

import json

from benchmarks.ways.confluent import messages
from benchmarks.ways.orders import Orders, obey, picker, wants_json
from benchmarks.ways.sessions import open_session


def load(orders: Orders) -> int:
    """Load all partitions in one loop."""
    session = open_session(orders)
    picks = [picker(source, orders.types[name]) for name, source in orders.columns.items()]
    parse = wants_json(orders)
    rows = 0
    with session.open_record_writer(0) as writer:
        row = session.new_record()
        for batch in messages(orders, orders.ends):
            for message in batch:
                value = message.value()
                document = json.loads(value) if parse else None
                key, place, offset, stamp = message.key(), message.partition(), message.offset(), message.timestamp()[1]
                for index, pick in enumerate(picks):
                    row[index] = pick(key, value, place, offset, stamp, document)
                writer.write(row)
                rows += 1
    session.commit([0])
    return rows


if __name__ == "__main__":
    obey(load)
