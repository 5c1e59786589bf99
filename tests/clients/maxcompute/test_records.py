"""The body of a record block, read by the local endpoint's own decoder."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from clients.maxcompute.test_arrow_blocks import VALUES, batch_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.clients.maxcompute.blocks.records import record_body
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder
from airflow_provider_kafka_odps.local.wire.types import parse_type

EVERYTHING: dict[str, list[Any]] = {
    **VALUES,
    "json": ['{"a": 1.10}', None, "[]"],
    "decimal(38,38)": [Decimal("1E-38"), None, Decimal("-0.5")],
    "array<map<string,struct<d:date,t:timestamp>>>": [[[("k", {"d": 0, "t": -1})], None, []], None, []],
}


def body_of(batches: list[pa.RecordBatch], types: list[str]) -> bytes:
    """Return the body of one block."""
    return b"".join(record_body(batches, [OdpsType.parse(text) for text in types]))


def decoded(body: bytes, types: list[str]) -> list[dict[str, Any]]:
    """Return what the endpoint reads, which checks every checksum."""
    batches: list[pa.RecordBatch] = []
    decoder = RecordDecoder([(f"c{number}", parse_type(text)) for number, text in enumerate(types)], batches.append)
    decoder.feed(body)
    decoder.close()
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("kind", EVERYTHING)
def test_every_type_is_read_as_it_was_written(kind: str) -> None:
    """Values of each type and NULL arrive, also of slices, of several batches and of nothing."""
    batch = batch_of({kind: EVERYTHING[kind], "varchar(9)": ["x", "y", "z"]})
    types = [kind, "varchar(9)"]
    body = body_of([batch.slice(1), batch.slice(0, 0), batch], types)
    assert decoded(body, types) == [*batch.slice(1).to_pylist(), *batch.to_pylist()]
    assert decoded(body_of([], types), types) == []


@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=200)), max_size=40)
)
def test_numbers_and_texts_of_any_size_arrive(rows: list[tuple[int | None, str | None]]) -> None:
    """Whatever the lengths of numbers and texts, each row arrives whole."""
    types = ["bigint", "string"]
    schema = pa.schema([("c0", pa.int64()), ("c1", pa.string())])
    batch = pa.RecordBatch.from_pylist([{"c0": number, "c1": text} for number, text in rows], schema)
    assert decoded(body_of([batch], types), types) == batch.to_pylist()


def test_columns_that_cannot_be_written_are_left_out() -> None:
    """A column of another type stays NULL, and does not move the numbers of those behind it."""
    batch = pa.record_batch({"c0": pa.array(["{}"]), "c1": pa.nulls(1), "c2": pa.array([7], pa.int64())})
    types = ["json", "interval_day_time", "bigint"]
    assert decoded(body_of([batch], types), types) == [{"c0": "{}", "c1": None, "c2": 7}]
