"""The rejects of a load on their way to where they are kept: in order, in blocks, made visible with the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.counts import RejectsUpload
from airflow_provider_kafka_odps.core.accounting.rejects import (
    BLOCK_BYTES,
    REJECT_SCHEMA,
    RejectSink,
    pieces,
    reject_rows,
)
from airflow_provider_kafka_odps.core.load.reject_order import OpenSpool, RejectOrder
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.upload import Upload


class Rejecting:
    """The rejects of one pass over the window, on their way; a block at a time is in memory."""

    def __init__(self, sink: RejectSink, open_spool: OpenSpool) -> None:
        """Take where they are kept, and where they wait until all of them are known."""
        self._sink, self._order = sink, RejectOrder(open_spool, BLOCK_BYTES)

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Take the rejects of one batch, whose rows have their keys and values."""
        for some in pieces(batch, rejects):
            self.add(reject_rows(batch, some))

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rejects of one batch in the columns of ``REJECT_SCHEMA``."""
        self._order.add(rows)

    def seal(self) -> RejectsUpload | None:
        """Write all of them in the order of partitions and offsets, and return what the journal has to know.

        None where there is nothing to make visible.
        """
        upload: Upload | None = None
        blocks = rows = 0
        for block in self._blocks():
            upload = upload or self._sink.open_upload()
            upload.write_block(blocks, block)
            blocks += 1
            rows += sum(each.num_rows for each in block)
            # The next one is made while this name is bound.
            del block
        return None if upload is None else RejectsUpload(self._sink.place, upload.id, blocks, rows)

    def close(self) -> None:
        """Give back the room that they took while they waited."""
        self._order.close()

    def _blocks(self) -> Iterator[Sequence[pa.RecordBatch]]:
        block: list[pa.RecordBatch] = []
        size = number = 0
        for rows in self._order:
            block.append(rows)
            size += rows.nbytes
            if size >= BLOCK_BYTES:
                yield block
                block, size, number = [], 0, number + 1
        if block:
            yield block
        elif not number and self._sink.stale():
            # The rejects of an earlier load of this window, before a fix, are replaced by none.
            yield [_none()]


def _none() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in REJECT_SCHEMA], schema=REJECT_SCHEMA)
