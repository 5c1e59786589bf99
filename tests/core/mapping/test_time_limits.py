"""Instants of a range, and what is refused as one."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.calls import Call
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import through
from airflow_provider_kafka_odps.core.mapping.instants.time_columns import INSTANTS, NANOS
from airflow_provider_kafka_odps.exceptions import InvalidMapping

BEGIN, END = "1970-01-01T00:00:01Z", "1970-01-01T02:00:02+02:00"


def within(begin: str, end: str, kind: SourceKind = SourceKind.INSTANT) -> object:
    """Return the conversion."""
    return through(kind, [Call("within", (begin, end), 0)]).conversion


@given(st.lists(st.none() | st.integers(-5_000_000_000, 5_000_000_000)))
def test_instants_of_the_range_are_let_through(numbers: list[int | None]) -> None:
    """From the first on, and before the second, to the nanosecond; NULL stays NULL."""
    nanos = pa.array(numbers, pa.int64()).cast(NANOS)
    for values, kind, of in (
        (nanos, SourceKind.NANOS, 1),
        (nanos.cast(INSTANTS, safe=False), SourceKind.INSTANT, 10**6),
    ):
        raw = [None if each is None else each * of for each in values.cast(pa.int64()).to_pylist()]
        inside = [None if each is None else 10**9 <= each < 2 * 10**9 for each in raw]
        given_back, problems = through(kind, [Call("within", (BEGIN, END), 0)]).conversion.apply(values)
        assert [problem.row for problem in problems] == [row for row, is_in in enumerate(inside) if is_in is False]
        assert given_back.to_pylist() == [
            value if is_in else None for value, is_in in zip(values.to_pylist(), inside, strict=True)
        ]
        assert given_back.type == values.type


def test_the_reason_has_the_time_and_the_range() -> None:
    """So that a wrong unit shows."""
    _, (problem,) = through(SourceKind.INSTANT, [Call("within", (BEGIN, END), 0)]).conversion.apply(
        pa.array([1_795_341_600_000], pa.int64()).cast(INSTANTS)
    )
    assert problem.reason == (
        "within: 2026-11-22T10:00:00Z is not from 1970-01-01T00:00:01Z until before 1970-01-01T00:00:02Z"
    )


@pytest.mark.parametrize(
    ("begin", "end", "complaint"),
    [
        ("today", END, r"begin='today': a time such as '2026-11-22T10:00:00Z' is wanted"),
        (BEGIN, "1970-01-01T00:00:02", r"end='1970-01-01T00:00:02': without Z or an offset nobody knows"),
        (END, BEGIN, r"is not before end="),
        (BEGIN, BEGIN, r"no instant is in between"),
    ],
)
def test_what_is_no_range(begin: str, end: str, complaint: str) -> None:
    """It is refused before anything is read."""
    with pytest.raises(InvalidMapping, match=complaint):
        within(begin, end)
