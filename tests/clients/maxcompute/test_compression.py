"""Packed bodies: what arrives is what was sent."""

import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
import zstandard

from airflow_provider_kafka_odps.clients.maxcompute.blocks.compression import content_encoding, packed
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

UNPACK: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.NONE: bytes,
    Compression.LZ4: lz4.frame.decompress,
    Compression.ZSTD: lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    Compression.ZLIB: zlib.decompress,
}


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("pieces", [[b""], [b"abc"], [b"a" * 700_000, b"b" * 3, b""]], ids=["empty", "small", "large"])
def test_a_packed_stream_unpacks_to_what_went_in(compression: Compression, pieces: list[bytes]) -> None:
    """Other libraries than the one that packs read every stream, and no piece of it is empty."""
    stream = list(packed(pieces, compression))
    assert UNPACK[compression](b"".join(stream)) == b"".join(pieces)
    if compression is not Compression.NONE:
        assert all(stream)


def test_what_the_tunnel_calls_them() -> None:
    """The tunnel has its own name for lz4 around Arrow; what is not packed has none."""
    named = {each: (content_encoding(each, arrow=True), content_encoding(each, arrow=False)) for each in Compression}
    assert named == {
        Compression.NONE: (None, None),
        Compression.LZ4: ("x-odps-lz4-frame", "x-lz4-frame"),
        Compression.ZSTD: ("zstd", "zstd"),
        Compression.ZLIB: ("deflate", "deflate"),
    }


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("kind", ["string", "json"])
def test_a_packed_block_arrives(odps_hook: OdpsHook, compression: Compression, kind: str) -> None:
    """However a block is packed, of Arrow or of records, its rows arrive; the bytes told are those before packing."""
    schema = TableSchema(columns_of({"a": "bigint", "b": kind}))
    table = TableName.parse(f"packed_{compression}_{kind}")
    odps_hook.create_table(table, schema)
    upload = odps_hook.open_upload(table, overwrite=True, compression=compression)
    texts = ['{"x":"' + "y" * 500 + '"}'] * 4_000
    rows = pa.record_batch([pa.array(range(4_000), pa.int64()), pa.array(texts)], schema=schema.arrow)
    assert upload.write_block(0, [rows]) > 2_000_000
    upload.commit(1)
    (found,) = odps_hook.run_sql(f"SELECT COUNT(*) AS n, SUM(a) AS s, COUNT(b) AS t FROM {table}").to_pylist()
    assert found == {"n": 4_000, "s": 7_998_000, "t": 4_000}
