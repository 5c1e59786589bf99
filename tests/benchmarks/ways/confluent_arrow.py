"""(c) The expert's script: ``confluent-kafka``, lists into Arrow, PyODPS's Arrow writer; (c2+) in two processes.

With ``processes=2`` each process takes half of the partitions and writes a block of the same session, and PyODPS's
CRC-32C in Python is replaced by one in C: what an expert does after a day with a profiler.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import pyarrow as pa
from benchmarks.ways.confluent import messages
from benchmarks.ways.orders import Orders, obey
from benchmarks.ways.sessions import open_session
from benchmarks.ways.written_out import decoder
from confluent_kafka import Message
from crc32c import crc32c
from odps.tunnel.io import writer

_TYPES = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}
_NUMBERS: dict[str, Callable[[list[Message]], list[int]]] = {
    "__partition__": lambda batch: list(map(Message.partition, batch)),
    "__offset__": lambda batch: list(map(Message.offset, batch)),
    "__timestamp__": lambda batch: list(map(itemgetter(1), map(Message.timestamp, batch))),
}
_Build: TypeAlias = Callable[[list[Message], list[bytes], list[Any]], pa.Array]
"""Messages, their values, and what these decode to → a column."""


def load(orders: Orders) -> int:
    """Load in one process, or with a worker per half of the partitions."""
    # Thousands of messages are alive at a time: the collector would look through them again and again.
    gc.disable()
    if orders.processes > 1:
        return _load_in_processes(orders)
    session = open_session(orders)
    rows = write(orders, session, orders.ends, 0)
    session.commit([0])
    return rows


def _load_in_processes(orders: Orders) -> int:
    shares = [dict(list(orders.ends.items())[number :: orders.processes]) for number in range(orders.processes)]
    # Forked before PyODPS has a connection: it keeps them per process, and two would write into one socket.
    with multiprocessing.get_context("fork").Pool(orders.processes, _fast_checksums) as pool:
        session = open_session(orders)
        rows = sum(pool.starmap(_share, [(orders, session.id, share, number) for number, share in enumerate(shares)]))
    session.commit(list(range(orders.processes)))
    return rows


def write(orders: Orders, session: Any, ends: Mapping[str, int], block: int) -> int:
    """Write the partitions of ``ends`` as one block; return its rows."""
    schema = pa.schema([(name, _TYPES[orders.types[name]]) for name in orders.columns])
    builders = [_builder(source, orders.types[name]) for name, source in orders.columns.items()]
    decode = decoder(orders)
    rows = 0
    with session.open_arrow_writer(block) as block_writer:
        for batch in messages(orders, ends):
            values = list(map(Message.value, batch))
            documents = list(map(decode, values)) if decode else []
            arrays = [build(batch, values, documents) for build in builders]
            block_writer.write(pa.RecordBatch.from_arrays(arrays, schema=schema))
            rows += len(batch)
    return rows


def _builder(source: str, kind: str) -> _Build:
    """Return what makes a column of a batch, by functions of C alone."""
    if source.startswith("'"):
        return lambda batch, _, __: pa.repeat(source.strip("'"), len(batch))
    # Bytes are taken as text without a copy.
    if source == "__key__":
        return lambda batch, _, __: pa.array(list(map(Message.key, batch)), pa.binary()).cast(pa.string())
    if source == "__value__":
        return lambda _, values, __: pa.array(values, pa.binary()).cast(pa.string())
    if numbers := _NUMBERS.get(source):
        return lambda batch, _, __: pa.array(numbers(batch), pa.int64()).cast(_TYPES[kind])
    pick = attrgetter(source)
    return lambda _, __, documents: pa.array(list(map(pick, documents)), _TYPES[kind])


def _share(orders: Orders, upload_id: str, ends: Mapping[str, int], block: int) -> int:
    return write(orders, open_session(orders, upload_id), ends, block)


class _FastChecksum:
    """What PyODPS's Arrow writer needs of a checksum, in C and without a copy."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, piece: Any) -> None:
        self._value = crc32c(piece, self._value)

    def getvalue(self) -> int:
        return self._value

    def reset(self) -> None:
        self._value = 0


def _fast_checksums() -> None:
    writer.Checksum = _FastChecksum


if __name__ == "__main__":
    obey(load)
