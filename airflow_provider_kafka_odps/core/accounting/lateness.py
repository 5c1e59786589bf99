"""Records whose timestamp lies outside of the interval of their window: they are loaded, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.window.window import Window


@dataclass(frozen=True, slots=True)
class Lateness:
    """The interval of a window; a window between other bounds than instants has none on that side."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, window: Window) -> Lateness:
        """Return a window's."""
        return cls(window.start.instant, window.end.instant)

    @property
    def columns(self) -> frozenset[str]:
        """What has to be read of the records for this."""
        return frozenset() if self.start is self.end is None else frozenset({"timestamp"})

    def count(self, timestamps: pa.Array) -> tuple[int, int]:
        """Return how many are late and how many early; a record without a timestamp is in nobody's interval."""
        late = 0 if self.start is None else _true(pc.less(timestamps, pa.scalar(self.start, timestamps.type)))
        early = 0 if self.end is None else _true(pc.greater_equal(timestamps, pa.scalar(self.end, timestamps.type)))
        return late, early


def _true(found: pa.Array) -> int:
    return int(pc.sum(found).as_py() or 0)
