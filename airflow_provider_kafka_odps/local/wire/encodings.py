"""Content encodings: bodies packed and unpacked in pieces of bounded size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from airflow_provider_kafka_odps.local.errors import MalformedError, ServiceError
from airflow_provider_kafka_odps.local.wire.checksum import crc32c

Out: TypeAlias = Callable[[bytes], None]


_PIECE = 1 << 20


class Unpacker(Protocol):
    """Takes packed bytes in pieces."""

    def feed(self, piece: bytes) -> None:
        """Unpack what is complete."""
        ...

    def close(self) -> None:
        """End the body: nothing follows."""
        ...


def unpacker(encoding: str, out: Out) -> Unpacker:
    """Return what unpacks a body of this Content-Encoding.

    Raises ServiceError (400) for an encoding that the tunnel doesn't know.
    """
    match encoding.strip().lower():
        case "" | "identity" | "raw":
            return _Plain(out)
        case "deflate":
            return _Inflate(out)
        case "zstd":
            return _Zstd(out)
        case "x-lz4-frame" | "x-odps-lz4-frame" | "lz4":
            return _Lz4(out)
        case "x-snappy-framed":
            return _Snappy(out)
        case unknown:
            raise ServiceError(400, "InvalidArgument", f"Content-Encoding {unknown!r} is not known")


class _Plain:
    def __init__(self, out: Out) -> None:
        self._out = out

    def feed(self, piece: bytes) -> None:
        if piece:
            self._out(piece)

    def close(self) -> None:
        """Do nothing: no byte is held back."""


class _Inflate:
    def __init__(self, out: Out) -> None:
        self._out = out
        self._stream = zlib.decompressobj()
        self._fed = False

    def feed(self, piece: bytes) -> None:
        self._fed = self._fed or bool(piece)
        try:
            while piece:
                if self._stream.eof:
                    raise MalformedError("bytes follow the end of the deflate stream")
                unpacked = self._stream.decompress(piece, _PIECE)
                piece = self._stream.unconsumed_tail or self._stream.unused_data
                if unpacked:
                    self._out(unpacked)
        except zlib.error as reason:
            raise MalformedError(f"not a deflate stream: {reason}", "CorruptedDataStream") from None

    def close(self) -> None:
        if not self._fed:
            return
        rest = self._stream.flush()
        if rest:
            self._out(rest)
        if not self._stream.eof:
            raise MalformedError("the deflate stream ends too early", "IncompleteBody")


class _Zstd:
    # Four bytes can stand for 128 KiB, and each slice is unpacked in one go: at most 32 MiB.
    _SLICE = 1024

    def __init__(self, out: Out) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._out = out
        self._fed = False

    def feed(self, piece: bytes) -> None:
        self._fed = self._fed or bool(piece)
        try:
            for at in range(0, len(piece), self._SLICE):
                ended = self._stream.eof
                unpacked = b"" if ended else self._stream.decompress(piece[at : at + self._SLICE])
                if ended or self._stream.unused_data:
                    raise MalformedError("bytes follow the end of the zstd frame")
                if unpacked:
                    self._out(unpacked)
        except self._error as reason:
            raise MalformedError(f"not a zstd stream: {reason}", "CorruptedDataStream") from None

    def close(self) -> None:
        if self._fed and not self._stream.eof:
            raise MalformedError("the zstd stream ends too early", "IncompleteBody")


class _Lz4:
    def __init__(self, out: Out) -> None:
        import lz4.frame  # type: ignore[import-untyped]

        self._out = out
        self._stream = lz4.frame.LZ4FrameDecompressor()
        self._fed = False

    def feed(self, piece: bytes) -> None:
        self._fed = self._fed or bool(piece)
        try:
            while piece or not self._stream.needs_input:
                if self._stream.eof:
                    if piece:
                        raise MalformedError("bytes follow the end of the lz4 frame")
                    return
                unpacked = self._stream.decompress(piece, max_length=_PIECE)
                piece = self._stream.unused_data or b"" if self._stream.eof else b""
                if unpacked:
                    self._out(unpacked)
        except RuntimeError as reason:
            raise MalformedError(f"not an lz4 frame: {reason}", "CorruptedDataStream") from None

    def close(self) -> None:
        if self._fed and not self._stream.eof:
            raise MalformedError("the lz4 frame ends too early", "IncompleteBody")


_STREAM_HEAD = b"\xff\x06\x00\x00sNaPpY"


_PACKED, _UNPACKED, _FIRST_SKIPPABLE, _HEAD = 0x00, 0x01, 0x80, 0xFF


_LARGEST_SNAPPY = 65536


_LARGEST_PACKED = 1 << 17


_CHECKSUM = 4


class _Snappy:
    def __init__(self, out: Out) -> None:
        self._out = out
        self._pending = b""
        self._headed = False

    def feed(self, piece: bytes) -> None:
        body = self._pending + piece
        at = 0
        while len(body) - at >= 4:  # noqa: PLR2004 - a kind and a 24-bit length
            kind, size = body[at], int.from_bytes(body[at + 1 : at + 4], "little")
            self._check(kind, size)
            if len(body) - at - 4 < size:
                break
            self._chunk(kind, body[at + 4 : at + 4 + size])
            at += 4 + size
        self._pending = body[at:]

    def _check(self, kind: int, size: int) -> None:
        known = kind == _HEAD or (self._headed and not _UNPACKED < kind < _FIRST_SKIPPABLE)
        if not known or (kind <= _UNPACKED and not _CHECKSUM <= size <= _LARGEST_PACKED):
            raise MalformedError(
                f"not a snappy stream: a chunk of kind {kind} with {size} bytes", "CorruptedDataStream"
            )

    def _chunk(self, kind: int, content: bytes) -> None:
        if kind == _HEAD:
            if content != _STREAM_HEAD[4:]:
                raise MalformedError("not a snappy stream", "CorruptedDataStream")
            self._headed = True
            return
        if kind >= _FIRST_SKIPPABLE:
            return
        unpacked = content[4:] if kind == _UNPACKED else _unpack_snappy(content[4:])
        if _masked(crc32c(unpacked)) != int.from_bytes(content[:4], "little"):
            raise MalformedError("the checksum of a snappy chunk is wrong", "CorruptedDataStream")
        self._out(unpacked)

    def close(self) -> None:
        if self._pending:
            raise MalformedError("the snappy stream ends inside a chunk", "IncompleteBody")


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _unpack_snappy(packed: bytes) -> bytes:
    import cramjam

    try:
        size = cramjam.snappy.decompress_raw_len(packed)
        if size > _LARGEST_SNAPPY:
            raise MalformedError(f"a snappy chunk unpacks to {size} bytes", "CorruptedDataStream")
        return bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError as reason:
        raise MalformedError(f"not a snappy chunk: {reason}", "CorruptedDataStream") from None


ENCODINGS = ("deflate", "zstd", "x-lz4-frame", "x-odps-lz4-frame", "x-snappy-framed")


def pack(encoding: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the packed pieces of a body; `encoding` is one of ENCODINGS, anything else leaves them as they are."""
    match encoding:
        case "deflate":
            deflate = zlib.compressobj(1)
            yield from _pack_with(pieces, deflate.compress, deflate.flush)
        case "zstd":
            import zstandard

            zstd = zstandard.ZstdCompressor(level=1).compressobj()
            yield from _pack_with(pieces, zstd.compress, zstd.flush)
        case "x-lz4-frame" | "x-odps-lz4-frame":
            import lz4.frame

            # Java's reader refuses blocks that refer to each other.
            lz4_frame = lz4.frame.LZ4FrameCompressor(block_linked=False)
            yield lz4_frame.begin()
            yield from _pack_with(pieces, lz4_frame.compress, lz4_frame.flush)
        case "x-snappy-framed":
            yield _STREAM_HEAD
            for piece in pieces:
                yield from _pack_snappy(piece)
        case _:
            yield from pieces


def _pack_with(
    pieces: Iterator[bytes], compress: Callable[[bytes], bytes], flush: Callable[[], bytes]
) -> Iterator[bytes]:
    for piece in pieces:
        packed = compress(piece)
        if packed:
            yield packed
    yield flush()


def _pack_snappy(piece: bytes) -> Iterator[bytes]:
    import cramjam

    for at in range(0, len(piece), _LARGEST_SNAPPY):
        part = piece[at : at + _LARGEST_SNAPPY]
        packed = bytes(cramjam.snappy.compress_raw(part))
        yield struct.pack("<BBH", _PACKED, len(packed) + 4 & 0xFF, len(packed) + 4 >> 8)
        yield struct.pack("<I", _masked(crc32c(part))) + packed
