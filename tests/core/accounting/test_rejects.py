"""Rejects on their way to where they are kept: whole, or cut with a mark where a field takes no more."""

from base64 import b64decode
from typing import Any

import pyarrow as pa
import pytest
from core.world import batch_of

from airflow_provider_kafka_odps.core.accounting.rejects import BLOCK_BYTES, cut_to_fit, pieces, reject_rows
from airflow_provider_kafka_odps.core.mapping.reject import Reject

MB = 1024 * 1024


def rejects_of(batch: pa.RecordBatch) -> list[Reject]:
    """Return a reject for each record of a batch."""
    return [Reject("orders", 0, offset.as_py(), "amount", "no", 5, row) for row, offset in enumerate(batch["offset"])]


def cut(values: dict[int, bytes | None], limit: int) -> list[dict[str, Any]]:
    """Reject each of these records, and return what fits."""
    batch = batch_of(0, values)
    rows: list[dict[str, Any]] = cut_to_fit(reject_rows(batch, rejects_of(batch)), limit).to_pylist()
    return rows


def test_a_value_that_is_too_long_is_cut_with_a_mark() -> None:
    """Coordinates, column and reason stay; the value's beginning is there, and the reason says that it is cut."""
    value = bytes(range(256)) * (9 * MB // 256)
    row, other, none = cut({7: value, 8: b"short", 9: None}, 8 * MB)
    assert (row["kafka_partition"], row["kafka_offset"], row["column_name"]) == (0, 7, "amount")
    assert row["reason"] == "no; record_value is cut: the first 6291456 of 9437184 bytes are here"
    assert len(row["record_value"]) <= 8 * MB
    assert b64decode(row["record_value"]) == value[: 6 * MB]
    assert (other["reason"], b64decode(other["record_value"])) == ("no", b"short")
    assert (none["reason"], none["record_value"]) == ("no", None)


@pytest.mark.parametrize("size", [0, 1, 8, 9, 10, 11, 12])
@pytest.mark.parametrize("limit", [12, 15])
def test_what_fits_is_whole(size: int, limit: int) -> None:
    """The limit is on the text: nine bytes fit into twelve characters, and what is beyond is cut."""
    (row,) = cut({1: b"x" * size}, limit)
    assert b64decode(row["record_value"], validate=True) == b"x" * min(size, 9)
    mark = "" if size <= 9 else f"; record_value is cut: the first 9 of {size} bytes are here"
    assert row["reason"] == f"no{mark}"


def test_a_key_and_a_value_are_cut_each() -> None:
    """Both are said."""
    batch = batch_of(0, {1: b"value of some length"})
    batch = batch.set_column(batch.schema.get_field_index("key"), batch.schema.field("key"), pa.array([b"key" * 9]))
    (row,) = cut_to_fit(reject_rows(batch, rejects_of(batch)), 8).to_pylist()
    assert row["reason"] == (
        "no; record_key is cut: the first 6 of 27 bytes are here; record_value is cut: the first 6 of 20 bytes are here"
    )


@pytest.mark.parametrize(
    "sizes", [[], [1], [0] * 5, [9 * MB] * 8, [1] * 1000, [5 * MB, 0, 30 * MB, 1, 1, 11 * MB], [40 * MB, 1]]
)
def test_long_ones_are_taken_a_block_at_a_time(sizes: list[int]) -> None:
    """All rejects of a batch are taken, in order, and never more at once than a block and the one that fills it."""
    batch = batch_of(0, {offset: b"x" * size for offset, size in enumerate(sizes)})
    rejects = rejects_of(batch)
    taken = list(pieces(batch, rejects))
    assert [each for some in taken for each in some] == rejects
    assert all(taken)
    for some in taken:
        assert sum(sizes[each.row] for each in some[:-1]) * 4 // 3 <= BLOCK_BYTES
