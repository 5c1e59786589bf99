"""A spool of rejects in memory."""

from __future__ import annotations

import pyarrow as pa


class Spool:
    """Keeps what is put into it until it is closed."""

    def __init__(self) -> None:
        self._kept: list[pa.RecordBatch] = []

    def put(self, rows: pa.RecordBatch) -> None:
        """Keep some rejects."""
        self._kept.append(rows)

    def get(self, number: int) -> pa.RecordBatch:
        """Return what was put there so many times later than the first."""
        return self._kept[number]

    def close(self) -> None:
        """Forget them."""
        self._kept.clear()
