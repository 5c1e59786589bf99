"""Columns, cut to blocks by bytes, and written under their numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count

import pyarrow as pa

from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.load.stage_times import StageTimes
from airflow_provider_kafka_odps.core.upload import Upload


def size_of(batch: pa.RecordBatch) -> int:
    """Return the bytes of a batch's rows."""
    return int(batch.nbytes)


def cut_blocks(batches: Iterable[pa.RecordBatch], block_bytes: int) -> Iterator[list[pa.RecordBatch]]:
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


class ShareBlocks:
    """The blocks of one share, every so many-th of the upload: written in whatever thread, and counted."""

    def __init__(self, share: Share, seconds: StageTimes) -> None:
        self.blocks = self.bytes = 0
        self._numbers, self._seconds = count(share.number, share.of), seconds
        self._lock = threading.Lock()

    def writing(self, upload: Upload, block: list[pa.RecordBatch]) -> Callable[[], None]:
        """Give the block the next number, and return what writes it, and then empties it."""
        self.blocks += 1
        return partial(self.write, upload, next(self._numbers), block)

    def write(self, upload: Upload, number: int, block: list[pa.RecordBatch]) -> None:
        """Write a block under a number."""
        with self._seconds.timed("write"):
            written = upload.write_block(number, block)
        with self._lock:
            self.bytes += written
        block.clear()
