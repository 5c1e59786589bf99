"""Every offset that is missing, doubled or extra is found, and every value that differs; and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.table.schema import Column
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.verification.differences import Differences, Rows
from airflow_provider_kafka_odps.core.verification.equality import unequal
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition

PLACE = TopicPartition("orders", 3)
NOTE = Column("note", OdpsType("string"))


def rows(values: Sequence[tuple[int, str | None]]) -> Rows:
    """Return rows by offset and note."""
    offsets = np.array([offset for offset, _ in values], dtype=np.int64)
    return Rows(offsets, {"note": pa.array([note for _, note in values], pa.string())})


def compared(wanted: Sequence[tuple[int, str | None]], found: Sequence[tuple[int, str | None]]) -> Differences:
    """Return what is different."""
    differences = Differences([OffsetRange("orders", 3, 0, 100)])
    differences.compare(PLACE, rows(wanted), rows(found), [NOTE])
    return differences


def test_each_kind_is_told_from_the_others() -> None:
    """Missing, doubled, extra and changed rows in one comparison, each with its offsets."""
    wanted = [(offset, "a") for offset in (0, 1, 2, 3, 4, 8)]
    found = [(4, "b"), (3, "a"), (3, "a"), (3, "c"), (8, "a"), (0, "a"), (9, "a")]
    differences = compared(wanted, found)
    (each,) = differences.partitions.values()
    assert [str(some) for some in each.listed(each.missing)] == ["orders[3]@[1, 3)"]
    assert [str(some) for some in each.listed(each.doubled)] == ["orders[3]@[3, 4)"]
    assert [str(some) for some in each.listed(each.extra)] == ["orders[3]@[9, 10)"]
    assert (each.wanted, each.found, each.surplus, each.compared, each.different) == (6, 7, 2, 3, 1)
    assert list(map(str, differences.first)) == ["orders[3] offset 4, column note: 'a' is wanted, 'b' is there"]


def test_what_is_the_same_has_no_difference() -> None:
    """In whatever order the table gives its rows, NULLs too."""
    wanted = [(offset, None if offset % 2 else "a") for offset in range(5)]
    assert not compared(wanted, wanted[::-1]).any
    assert not compared([], []).any


NOTES = st.sampled_from(["a", "b", None])
WANTED = st.dictionaries(st.integers(0, 30), NOTES).map(lambda each: sorted(each.items()))
FOUND = st.lists(st.tuples(st.integers(0, 30), NOTES), max_size=40)


@given(WANTED, FOUND)
def test_the_comparison_is_that_of_a_plain_loop(
    wanted: list[tuple[int, str | None]], found: list[tuple[int, str | None]]
) -> None:
    """Whatever both sides have, and however it is cut into parts, it is what a dictionary would tell."""
    times, notes = Counter(offset for offset, _ in found), dict(wanted)
    differences = Differences([OffsetRange("orders", 3, 0, 31)])
    for low, high in ((0, 7), (7, 31)):
        parts = [[each for each in some if low <= each[0] < high] for some in (wanted, found)]
        differences.compare(PLACE, rows(parts[0]), rows(parts[1]), [NOTE])
    (each,) = differences.partitions.values()
    assert each.missing.covered == len(notes.keys() - times.keys())
    assert each.extra.covered == len(times.keys() - notes.keys())
    assert each.surplus == sum(count - 1 for count in times.values())
    once = [(offset, note) for offset, note in found if times[offset] == 1 and offset in notes]
    assert each.compared == len(once)
    assert each.different == sum(note != notes[offset] for offset, note in once)


def test_what_is_kept_is_bounded() -> None:
    """Of very many differences the first are kept, and all are counted."""
    differences = compared([(offset, "a") for offset in range(50)], [(offset, "b") for offset in range(50)])
    assert (len(differences.first), differences.different) == (10, 50)


NAN = float("nan")


@pytest.mark.parametrize(
    ("kind", "left", "right", "expected"),
    [
        ("bigint", [1, None, 2], [1, None, None], [False, False, True]),
        ("double", [1.5, NAN, NAN], [1.5, NAN, 1.0], [False, False, True]),
        ("char(5)", ["a", "a "], ["a    ", "b"], [False, True]),
        ("json", ['{"a": 1, "b": 2}', "[1]"], ['{"b":2,"a":1}', "[2]"], [False, True]),
        ("decimal(10,2)", [Decimal("1.50")], [Decimal("1.50")], [False]),
        ("array<bigint>", [[1, 2], None], [[1, 2], []], [False, True]),
        ("map<string,bigint>", [[("a", 1), ("b", 2)]], [[("b", 2), ("a", 1)]], [False]),
        ("struct<a:bigint,b:string>", [{"a": 1, "b": "x"}], [{"a": 1, "b": "y"}], [True]),
    ],
)
def test_equality_is_that_of_values(kind: str, left: list[Any], right: list[Any], expected: list[bool]) -> None:
    """NULL is NULL, NaN is NaN; blanks of a CHAR, the order of a MAP and the spelling of a JSON do not count."""
    parsed = OdpsType.parse(kind)
    arrow = pa.string() if kind == "json" else parsed.arrow
    assert unequal(pa.array(left, arrow), pa.chunked_array([pa.array(right, arrow)]), parsed).tolist() == expected


def test_a_type_that_is_carried_otherwise_is_no_difference() -> None:
    """A service may send a narrower number, or a JSON that is none."""
    assert unequal(pa.array([1], pa.int64()), pa.array([1], pa.int32()), OdpsType("bigint")).tolist() == [False]
    odd = pa.array(["{"]), pa.array([json.dumps("{")])
    assert unequal(*odd, OdpsType("json")).tolist() == [True]
