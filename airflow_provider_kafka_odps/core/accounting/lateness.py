"""Records whose timestamp lies outside of the interval of their window: they are loaded, and counted."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window


class Lateness:
    """The count, per partition; windows between other bounds than instants have none."""

    def __init__(self, window: Window) -> None:
        self._start, self._end = window.start.instant, window.end.instant
        self.late: Counter[TopicPartition] = Counter()
        self.early: Counter[TopicPartition] = Counter()

    @property
    def columns(self) -> frozenset[str]:
        """What has to be read of the records for this."""
        return frozenset() if self._start is self._end is None else frozenset({"timestamp"})

    def add(self, partition: TopicPartition, timestamps: pa.Array) -> None:
        """Count a batch of one partition; a record without a timestamp is in nobody's interval."""
        if self._start is not None:
            self.late[partition] += _true(pc.less(timestamps, pa.scalar(self._start, timestamps.type)))
        if self._end is not None:
            self.early[partition] += _true(pc.greater_equal(timestamps, pa.scalar(self._end, timestamps.type)))


def _true(found: pa.Array) -> int:
    return int(pc.sum(found).as_py() or 0)
