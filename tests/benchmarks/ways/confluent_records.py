"""(b) ``confluent-kafka``, whose core is C, and PyODPS's record writer."""

from __future__ import annotations

import gc

from benchmarks.ways.confluent import messages
from benchmarks.ways.orders import Orders, obey
from benchmarks.ways.sessions import open_session
from benchmarks.ways.written_out import decoder, loop

_PARTS = {
    "__key__": "record.key()",
    "__value__": "record.value()",
    "__partition__": "record.partition()",
    "__offset__": "record.offset()",
    "__timestamp__": "record.timestamp()[1]",
}


def load(orders: Orders) -> int:
    """Load all partitions in one loop."""
    # Thousands of messages are alive at a time: the collector would look through them again and again.
    gc.disable()
    session = open_session(orders)
    decode = decoder(orders)
    write_rows = loop(orders, _PARTS)
    rows = 0
    with session.open_record_writer(0) as writer:
        # One record object, filled again and again: making one per row costs a third of the time.
        row = session.new_record()
        for batch in messages(orders, orders.ends):
            write_rows(batch, row, writer.write, decode)
            rows += len(batch)
    session.commit([0])
    return rows


if __name__ == "__main__":
    obey(load)
