"""(c) The expert's script: ``confluent-kafka``, lists into Arrow, PyODPS's Arrow writer; (c2+) in two processes.

With ``workers=2`` each process takes half of the partitions and writes a block of the same session, and PyODPS's
CRC-32C in Python is replaced by one in C: what an expert does after a day with a profiler.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pyarrow as pa
from benchmarks.ways.confluent import messages
from benchmarks.ways.orders import Orders, obey, picker, wants_json
from benchmarks.ways.sessions import open_session
from confluent_kafka import Message
from crc32c import crc32c
from odps.tunnel.io import writer

_TYPES = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}
_DIRECT: dict[str, Callable[[Message], Any]] = {
    "__key__": Message.key,
    "__value__": Message.value,
    "__partition__": Message.partition,
    "__offset__": Message.offset,
    "__timestamp__": lambda message: message.timestamp()[1],
}


def load(orders: Orders) -> int:
    """Load in one process, or with a worker per half of the partitions."""
    if orders.workers > 1:
        return _load_in_processes(orders)
    session = open_session(orders)
    rows = write(orders, session, orders.ends, 0)
    session.commit([0])
    return rows


def _load_in_processes(orders: Orders) -> int:
    shares = [dict(list(orders.ends.items())[number :: orders.workers]) for number in range(orders.workers)]
    # Forked before PyODPS has a connection: it keeps them per process, and two would write into one socket.
    with multiprocessing.get_context("fork").Pool(orders.workers, _fast_checksums) as pool:
        session = open_session(orders)
        rows = sum(pool.starmap(_share, [(orders, session.id, share, number) for number, share in enumerate(shares)]))
    session.commit(list(range(orders.workers)))
    return rows


def write(orders: Orders, session: Any, ends: Mapping[str, int], block: int) -> int:
    """Write the partitions of ``ends`` as one block; return its rows."""
    schema = pa.schema([(name, _TYPES[orders.types[name]]) for name in orders.columns])
    builders = [_builder(source, orders.types[name]) for name, source in orders.columns.items()]
    parse = msgspec.json.decode if wants_json(orders) else None
    rows = 0
    with session.open_arrow_writer(block) as block_writer:
        for batch in messages(orders, ends):
            documents = [parse(message.value()) for message in batch] if parse else None
            arrays = [build(batch, documents) for build in builders]
            block_writer.write(pa.RecordBatch.from_arrays(arrays, schema=schema))
            rows += len(batch)
    return rows


def _builder(source: str, kind: str) -> Callable[[list[Message], list[Any] | None], pa.Array]:
    direct = _DIRECT.get(source)
    if direct is None:
        pick = picker(source, kind)
        return lambda batch, documents: pa.array(
            [pick(None, None, 0, 0, 0, document) for document in documents or [None] * len(batch)], _TYPES[kind]
        )
    if source in ("__key__", "__value__"):
        # Bytes, taken as text without a copy.
        return lambda batch, _: pa.array(list(map(direct, batch)), pa.binary()).cast(pa.string())
    if kind == "string":
        return lambda batch, _: pa.array(list(map(direct, batch)), pa.int64()).cast(pa.string())
    return lambda batch, _: pa.array(list(map(direct, batch)), _TYPES[kind])


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
