"""Rejects in the order of their partitions and offsets, whichever lane has found them when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

import pyarrow as pa


class RejectSpool(Protocol):
    """A place outside of the memory for rejects that wait for the end of the load."""

    def put(self, rows: pa.RecordBatch) -> None:
        """Keep some of them, behind those that are there. Raises UploadFailed where there is no room."""

    def get(self, number: int) -> pa.RecordBatch:
        """Return what was put there so many times later than the first, as often as asked; nothing is put after it."""

    def close(self) -> None:
        """Let all of it be gone."""


OpenSpool: TypeAlias = Callable[[], RejectSpool]
"""Opens a spool with nothing in it."""


class RejectOrder:
    """The rejects of a load until it has been read to its end: a bounded number of bytes of them is in memory.

    Each batch of records is read once, so no two of their rejects' batches overlap: in the order of their first ones,
    all of them are in order.
    """

    def __init__(self, open_spool: OpenSpool, most_bytes: int) -> None:
        """Take where those go that are more than so many bytes."""
        self._open_spool, self._most_bytes = open_spool, most_bytes
        self._spool: RejectSpool | None = None
        self._places: list[tuple[int, int, int]] = []
        """Of each batch of rejects: partition and offset of the first one, and the number of the batch."""
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Take the rejects of one batch of records, or some of them that follow each other, in ``REJECT_SCHEMA``."""
        first = (rows.column(name)[0].as_py() for name in ("kafka_partition", "kafka_offset"))
        self._places.append((*first, len(self._places)))
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= self._most_bytes:
            self._put_away()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield all of them in their order; nothing is added after that."""
        put_away = len(self._places) - len(self._waiting)
        for *_, number in sorted(self._places):
            if number >= put_away:
                yield self._waiting[number - put_away]
            elif self._spool is not None:
                yield self._spool.get(number)

    def close(self) -> None:
        """Forget them."""
        if self._spool is not None:
            self._spool.close()
        self._spool, self._places, self._waiting = None, [], []

    def _put_away(self) -> None:
        if self._spool is None:
            self._spool = self._open_spool()
        for rows in self._waiting:
            self._spool.put(rows)
        self._waiting, self._bytes = [], 0
