"""Arrow batches as the body of a tunnel block, and back.

A body is the chunk size as u32BE, then Arrow IPC record batch messages (no schema, no end mark) as one stream cut into
chunks, each full chunk followed by its CRC-32C, and at the end the CRC-32C of the whole stream. An empty stream is the
CRC alone. Source: what PyODPS 0.13.2 writes; the tests compare byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.exceptions import Unreachable

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_BYTES = 65536
# One piece is one write to the socket: large enough to keep Python out of the way, small enough to stay in the cache.
_PIECE_BYTES = 8 * CHUNK_BYTES
# A chunk takes some microseconds, and Python's lock, once it was let go, may be back after milliseconds.
_KEEP_LOCK = 0


def framed(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the body of one block in pieces of about 512 KiB; one batch at a time is serialised."""
    return frame_messages(memoryview(batch.serialize()) for batch in batches if batch.num_rows)


def frame_messages(messages: Iterable[memoryview]) -> Iterator[bytes]:
    """Yield the body for a stream that comes in parts."""
    from crc32c import crc32c

    parts: list[memoryview | bytes] = []
    size = filled = chunk_crc = stream_crc = 0
    started = False
    for message in messages:
        if not started:
            parts.append(CHUNK_BYTES.to_bytes(4, "big"))
            started = True
        stream_crc = crc32c(message, stream_crc)
        offset = 0
        while offset < len(message):
            part = message[offset : offset + CHUNK_BYTES - filled]
            chunk_crc = crc32c(part, chunk_crc, _KEEP_LOCK)
            parts.append(part)
            offset, filled, size = offset + len(part), filled + len(part), size + len(part)
            if filled == CHUNK_BYTES:
                parts.append(chunk_crc.to_bytes(4, "big"))
                filled = chunk_crc = 0
            if size >= _PIECE_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    parts.append(stream_crc.to_bytes(4, "big"))
    yield b"".join(parts)


def unframed(body: bytes) -> bytes:
    """Return the stream within a body; raises Unreachable where a checksum shows that it was damaged on the way."""
    from crc32c import crc32c

    if len(body) <= 4:  # noqa: PLR2004 - a CRC alone
        return b""
    view = memoryview(body)
    chunk_bytes = int.from_bytes(view[:4], "big")
    parts, position = [], 4
    while len(view) - position >= chunk_bytes + 8:
        chunk, position = view[position : position + chunk_bytes], position + chunk_bytes + 4
        _check(crc32c(chunk), view[position - 4 : position])
        parts.append(chunk)
    parts.append(view[position:-4])
    stream = b"".join(parts)
    _check(crc32c(stream), view[-4:])
    return stream


def _check(seen: int, stored: memoryview) -> None:
    expected = int.from_bytes(stored, "big")
    if seen != expected:
        raise Unreachable(f"a tunnel answer was damaged on the way: its CRC-32C is {seen:08x}, expected {expected:08x}")
