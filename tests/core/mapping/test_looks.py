"""What bytes that are no JSON look like, by how they begin; the advice is tried."""

from __future__ import annotations

import gzip
import json
import pickle

import pyarrow as pa
import pytest
from core.world import batch_of

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.sources.looks import look_of
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of

JSON = '{"a": "é"}'


def _compressed(codec: str) -> bytes:
    return bytes(pa.compress(JSON.encode() * 9, codec, asbytes=True))


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (gzip.compress(JSON.encode(), mtime=0), "gzip"),
        (_compressed("zstd"), "Zstandard"),
        (_compressed("lz4"), "LZ4"),
        (b"\x82SNAPPY\x00\x00", "Snappy"),
        (b"\x00\x00\x00\x01\x2a\x02a", "schema registry"),
        (b"\xc3\x01" + bytes(8), "Avro"),
        (b"Obj\x01", "Avro"),
        (b"\xac\xed\x00\x05t", "Java"),
        (pickle.dumps({"a": 1}), "pickle"),
        (JSON.encode("utf-16"), "UTF-16"),
        (JSON.encode("utf-16-le"), "UTF-16"),
        (JSON.encode("utf-16-be"), "UTF-16"),
        (JSON.encode("utf-8-sig"), "byte order mark"),
        (b" [1]", "array"),
        (json.dumps(JSON).encode(), "text in quotes"),
        (b"{'a': 1}", "single quotes"),
        (b'{"a": 1', "broken"),
        (b"<a/>", "XML"),
        (b"", "no byte"),
        (b"a,b,c", "text"),
        (JSON.encode("gb18030"), "broken"),
        (b"\x12\x08", "binary"),
    ],
)
def test_bytes_are_known_by_how_they_begin(octets: bytes, what: str) -> None:
    """Each is told with what to do about it; of the bytes themselves nothing is."""
    look = look_of(octets)
    assert what in look.what
    assert look.advice


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_the_encoding_that_is_advised_reads_the_value(encoding: str) -> None:
    """Whoever follows the advice has the value."""
    octets = JSON.encode(encoding)
    (advised,) = (
        each for each in ("utf-16-le", "utf-16-be", "utf-16", "utf-8-sig") if f"'{each}'" in look_of(octets).advice
    )
    schema = TableSchema(columns_of({"a": "string"}))
    projection = compile_projection({"a": "a"}, schema, RecordFormat(value=Format.STRING, encoding=advised))
    assert projection.apply("orders", batch_of(0, {0: octets})).columns.to_pylist() == [{"a": "é"}]
