"""Counting what the offsets of a window became, and refusing records that are not the window's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_kafka_odps.core.offsets import next_offset
from airflow_provider_kafka_odps.core.receipt import Counts
from airflow_provider_kafka_odps.core.window import Window
from airflow_provider_kafka_odps.exceptions import ReadFailed


class Account:
    """The running count of one load."""

    def __init__(self, window: Window) -> None:
        self._ranges = {offsets.partition: offsets for offsets in window.ranges()}
        self._positions = {number: offsets.start for number, offsets in self._ranges.items()}
        self._records = dict.fromkeys(self._ranges, 0)
        self._rejects = dict.fromkeys(self._ranges, 0)

    def add(self, batch: pa.RecordBatch, rejects: int) -> None:
        """Count a batch of one partition, of whose records ``rejects`` became no row.

        Raises ReadFailed for a record outside the window, before one that was counted, or twice: such a batch would
        double rows, and nothing that was read so far becomes visible.
        """
        if not batch.num_rows:
            return
        partition = batch.column("partition")[0].as_py()
        offsets = batch.column("offset").to_numpy()
        self._check(partition, offsets)
        self._positions[partition] = next_offset(int(offsets[-1]))
        self._records[partition] += batch.num_rows
        self._rejects[partition] += rejects

    def _check(self, partition: int, offsets: npt.NDArray[np.int64]) -> None:
        wanted = self._ranges.get(partition)
        first, last = int(offsets[0]), int(offsets[-1])
        if (
            wanted is None
            or last >= wanted.end
            or first < self._positions[partition]
            or bool(np.any(np.diff(offsets) <= 0))
        ):
            raise ReadFailed(
                f"the reader delivered offsets {first} to {last} of partition {partition}, where {wanted or 'nothing'} "
                f"was wanted and {self._positions.get(partition)} came next; nothing was committed"
            )

    @property
    def rows(self) -> int:
        """How many rows were counted so far."""
        return sum(self._records.values()) - sum(self._rejects.values())

    def counts(self) -> dict[int, Counts]:
        """Return what became of each partition's offsets; to be asked when the window has been read to its end."""
        return {
            number: Counts(
                rows=self._records[number] - self._rejects[number],
                rejects=self._rejects[number],
                gaps=offsets.span - self._records[number],
            )
            for number, offsets in self._ranges.items()
        }
