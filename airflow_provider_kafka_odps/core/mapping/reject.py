"""Records that do not fit the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not fit the table."""

    topic: str
    partition: int
    offset: int
    column: str
    """The first column of the table that does not take it."""
    reason: str
    timestamp: int | None = None
    """The record's, in milliseconds since 1970 (UTC); None where it has none, or where timestamps were not read."""
    row: int = 0
    """Which row of its batch it is: key, value and headers are there."""

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}, column {self.column}: {self.reason}"


def rejects_of(topic: str, batch: pa.RecordBatch, problems: Mapping[int, tuple[str, str]]) -> tuple[Reject, ...]:
    """Return the rejects of a batch of one partition: row → column and reason."""
    rows = sorted(problems)
    partition = batch.column("partition")[0].as_py()
    offsets, millis = (
        batch.column(name).take(pa.array(rows, pa.int64())).cast(pa.int64()) for name in ("offset", "timestamp")
    )
    return tuple(
        Reject(topic, partition, offset, *problems[row], timestamp, row)
        for row, offset, timestamp in zip(rows, offsets.to_pylist(), millis.to_pylist(), strict=True)
    )
