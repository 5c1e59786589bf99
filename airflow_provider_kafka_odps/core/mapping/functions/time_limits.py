"""Functions that let values through which lie in a range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import function
from airflow_provider_kafka_odps.core.mapping.instants.time_columns import INSTANTS
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible
from airflow_provider_kafka_odps.core.window.bounds import time_text
from airflow_provider_kafka_odps.exceptions import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@function(takes=frozenset({SourceKind.INSTANT, SourceKind.NANOS}))
def within(begin: str, end: str) -> Conversion:
    """Let an instant through that is at or after the first and before the second; another one does not fit.

    Both are in ISO 8601 with Z or an offset.
    """
    first, behind = _millis(begin, "begin"), _millis(end, "end")
    if first >= behind:
        raise InvalidInput(f"begin={begin!r} is not before end={end!r}: no instant is in between")
    return _Within(first, behind)


@dataclass(frozen=True, slots=True)
class _Within:
    """Lets the instants of a range through."""

    first: int
    """Milliseconds since 1970 (UTC)."""
    behind: int
    """The first millisecond that is not of the range."""

    def apply(self, values: pa.Array) -> Converted:
        """Return the values, those outside of the range as problems."""
        # Whole milliseconds are the range's ends: what is smaller cannot leave it.
        floored = pc.floor_temporal(values, unit="millisecond") if values.type != INSTANTS else values
        millis = floored.cast(INSTANTS).cast(pa.int64())
        outside = pc.or_(pc.less(millis, self.first), pc.greater_equal(millis, self.behind))
        if not pc.any(outside).as_py():
            return values, []
        rows = pc.indices_nonzero(pc.fill_null(outside, fill_value=False)).to_pylist()
        seen = millis.filter(outside).to_pylist()
        reasons = [f"within: {time_text(each)} is not from {self._text}" for each in seen]
        left = pc.if_else(outside, pa.scalar(None, values.type), values)
        return left, [Unconvertible(row, reason) for row, reason in zip(rows, reasons, strict=True)]

    @property
    def _text(self) -> str:
        return f"{time_text(self.first)} until before {time_text(self.behind)}"


def _millis(text: str, name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{name}={text!r}: a time such as '2026-11-22T10:00:00Z' is wanted") from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{name}={text!r}: without Z or an offset nobody knows which instant is meant")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
