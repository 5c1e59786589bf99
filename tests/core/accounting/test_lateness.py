"""Records whose timestamps lie outside of the interval of their window."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from core.examples import window_of

from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.window.window import ResolvedBound

TYPE = pa.timestamp("ms", tz="UTC")
# Half a second past ten and past eleven, in milliseconds.
TEN, ELEVEN = 36_000_500, 39_600_500


@pytest.mark.parametrize(
    ("start", "end", "counted"),
    [
        ("1970-01-01T10:00:00.500000Z", "1970-01-01T11:00:00.500000Z", (1, 2)),
        ("1970-01-01T10:00:00.500000Z", "latest", (1, 0)),
        ("previous", "1970-01-01T11:00:00.500000Z", (0, 2)),
        ("earliest", '{"0": 5, "Z": 1}', (0, 0)),
        ("120", "Z", (0, 0)),
    ],
)
def test_late_and_early_records(start: str, end: str, counted: tuple[int, int]) -> None:
    """The start is in the interval and its end is not; a record without a timestamp is neither late nor early."""
    first, last = ResolvedBound.written(start, "broker"), ResolvedBound.written(end, "broker")
    window = replace(window_of((0, 9)), start=first, end=last)
    lateness = Lateness.of(window)
    timestamps = pa.array([TEN - 1, TEN, None, ELEVEN - 1, ELEVEN, ELEVEN + 1], pa.int64()).cast(TYPE)
    assert lateness.count(timestamps) == counted
    assert lateness.count(pa.array([], TYPE)) == (0, 0)
    assert lateness.columns == (frozenset() if counted == (0, 0) else {"timestamp"})
