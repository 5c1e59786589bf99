"""The body of an Arrow block, byte for byte what the official client writes."""

import io
import struct
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odps.config import option_context
from odps.models import TableSchema as ClientSchema
from odps.tunnel.io import writer as client_writer

from airflow_provider_kafka_odps.clients.maxcompute.blocks.arrow import CHUNK_BYTES, frame_messages, framed, unframed
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import Unreachable

VALUES: dict[str, list[Any]] = {
    "tinyint": [1, None, -128],
    "smallint": [1, None, -32768],
    "int": [1, None, 2**31 - 1],
    "bigint": [1, None, -(2**63)],
    "float": [1.5, None, float("inf")],
    "double": [1.5, None, -0.0],
    "boolean": [True, None, False],
    "string": ["", None, "ключ"],
    "varchar(10)": ["a", None, "b"],
    "char(2)": ["a", None, "b"],
    "binary": [b"\x00\xff", None, b""],
    "date": [0, None, 20000],
    "datetime": [0, None, 1_763_800_000_123],
    "timestamp": [0, None, 1_763_800_000_123_456_789],
    "timestamp_ntz": [0, None, -1],
    "decimal(10,2)": [Decimal("1.25"), None, Decimal("-99999999.99")],
    "decimal": [Decimal("1.5"), None, Decimal(-1)],
    "array<string>": [["a", None], None, []],
    "map<string,bigint>": [[("a", 1)], None, []],
    "struct<a:bigint,b:array<double>>": [{"a": 1, "b": [1.0]}, None, {"a": None, "b": None}],
}


def batch_of(rows: dict[str, list[Any]]) -> pa.RecordBatch:
    """Return a batch with one column per type."""
    schema = TableSchema(columns_of({f"c{number}": text for number, text in enumerate(rows)})).arrow
    arrays = [pa.array(values, kind) for values, kind in zip(rows.values(), schema.types, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def written_by_the_client(types: list[str], batches: list[pa.RecordBatch], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return what PyODPS's own writer makes of batches."""
    # It needs the name of a pandas that this environment does without.
    monkeypatch.setattr(client_writer, "pd", SimpleNamespace(DataFrame=()))
    schema = ClientSchema.from_lists([f"c{number}" for number in range(len(types))], types)
    body = io.BytesIO()
    with option_context() as options:
        # It would take an instant without a zone as one of this machine's zone.
        options.local_timezone = False
        writer = client_writer.BaseArrowWriter(schema, out=body)
        for batch in batches:
            writer.write(batch)
        writer.close()
    return body.getvalue()


@pytest.mark.parametrize("types", [[kind] for kind in VALUES] + [list(VALUES)], ids=str)
def test_every_type_is_written_as_the_client_writes_it(types: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For each type, with nulls and edges, our body equals that of PyODPS's writer."""
    batch = batch_of({kind: VALUES[kind] for kind in types})
    assert b"".join(framed([batch])) == written_by_the_client(types, [batch], monkeypatch)


@pytest.mark.parametrize("rows", [1, 1000, 100_000])
def test_long_bodies_are_written_as_the_client_writes_them(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches across many chunks and pieces give the same bytes."""
    batches = [batch_of({"bigint": list(range(rows)), "string": [str(n) for n in range(rows)]})] * 3
    pieces = list(framed(batches))
    assert b"".join(pieces) == written_by_the_client(["bigint", "string"], batches, monkeypatch)
    assert max(map(len, pieces)) < 600_000


def test_no_rows_make_a_checksum_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block without rows is four zero bytes, as with the client."""
    assert b"".join(framed([batch_of({"bigint": []})])) == bytes(4)
    assert written_by_the_client(["bigint"], [], monkeypatch) == bytes(4)
    assert unframed(bytes(4)) == b""


@given(st.lists(st.binary(max_size=3), max_size=5), st.integers(-2, 2), st.integers(0, 3))
def test_unframing_undoes_framing(parts: list[bytes], around: int, chunks: int) -> None:
    """Law: what was framed comes back, also where the stream ends at, just before or just after a chunk's end."""
    stream = [b"x" * max(0, chunks * CHUNK_BYTES + around), *parts]
    body = b"".join(frame_messages(memoryview(part) for part in stream))
    assert unframed(body) == b"".join(stream)


@pytest.mark.parametrize("position", [4, 70_000, -1])
def test_damage_is_noticed(position: int) -> None:
    """A flipped byte in a chunk, in the rest or in a checksum is an error and never data."""
    body = bytearray(b"".join(frame_messages([memoryview(bytes(100_000))])))
    body[position] ^= 1
    with pytest.raises(Unreachable, match="damaged on the way"):
        unframed(bytes(body))


def test_the_first_word_is_the_chunk_size() -> None:
    """A body starts with the chunk size that PyODPS uses."""
    assert next(framed([batch_of({"bigint": [1]})]))[:4] == struct.pack(">I", 65536)
