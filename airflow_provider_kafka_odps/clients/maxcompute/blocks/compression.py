"""How the bodies of blocks are packed on their way to the tunnel."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, assert_never

from airflow_provider_kafka_odps.core.options import Compression

CONTENT_ENCODINGS: Mapping[Compression, str] = {
    # What the tunnel calls them for Arrow blocks; it wants the name for lz4 that it made up. Source: PyODPS 0.13.2.
    Compression.LZ4: "x-odps-lz4-frame",
    Compression.ZSTD: "zstd",
    Compression.ZLIB: "deflate",
}
_RECORD_LZ4 = "x-lz4-frame"
_FASTEST = 1


def content_encoding(compression: Compression, *, arrow: bool) -> str | None:
    """Return the Content-Encoding of a body, Arrow or records; None for one that is not packed."""
    if compression is Compression.LZ4 and not arrow:
        return _RECORD_LZ4
    return CONTENT_ENCODINGS.get(compression)


def packed(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the pieces of a body, packed as one stream."""
    match compression:
        case Compression.NONE:
            yield from pieces
        case Compression.ZLIB:
            deflate = zlib.compressobj(_FASTEST)
            yield from _through(pieces, deflate.compress, deflate.flush)
        case Compression.LZ4 | Compression.ZSTD:
            yield from _by_cramjam(pieces, compression)
        case _:
            assert_never(compression)


def _by_cramjam(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    import cramjam

    compressor: Any = (
        cramjam.zstd.Compressor(level=_FASTEST)
        if compression is Compression.ZSTD
        # Java's reader refuses blocks that refer to each other.
        else cramjam.lz4.Compressor(level=_FASTEST, block_linked=False)
    )

    def compress(piece: bytes) -> bytes:
        compressor.compress(piece)
        return bytes(compressor.flush())

    yield from _through(pieces, compress, lambda: bytes(compressor.finish()))


def _through(
    pieces: Iterable[bytes], compress: Callable[[bytes], bytes], finish: Callable[[], bytes]
) -> Iterator[bytes]:
    for piece in pieces:
        # An empty piece would end a chunked body.
        if some := compress(piece):
            yield some
    if rest := finish():
        yield rest
