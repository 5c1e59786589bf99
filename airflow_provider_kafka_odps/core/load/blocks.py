"""Columns, cut to blocks by bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

BLOCK_BYTES = 64 * 1024 * 1024
"""What the service recommends at least: one block becomes one file, and small files slow every later query."""


QUEUE_BYTES = 16 * 1024 * 1024
"""What two stages hold between them: two groups of the decoder."""


def size_of(batch: pa.RecordBatch) -> int:
    """Return the bytes of a batch's rows."""
    return int(batch.nbytes)


def cut_blocks(batches: Iterable[pa.RecordBatch], block_bytes: int = BLOCK_BYTES) -> Iterator[list[pa.RecordBatch]]:
    """Yield lists of batches of at least ``block_bytes`` together, then the rest; nothing if no rows came."""
    block: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        block.append(batch)
        size += size_of(batch)
        if size >= block_bytes:
            yield block
            block, size = [], 0
    if block:
        yield block
