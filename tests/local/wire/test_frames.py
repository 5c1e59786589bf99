"""The framing of Arrow bodies, as the protocol describes it."""

from __future__ import annotations

import struct

import pytest
from local.record_bodies import crc

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.frames import CHUNK, FrameDecoder, encode_frames


def unframe(body: bytes, pieces: int) -> bytes:
    """Return the payload of a framed body fed in pieces of this size."""
    payload: list[bytes] = []
    decoder = FrameDecoder(payload.append)
    for at in range(0, len(body), pieces):
        decoder.feed(body[at : at + pieces])
    decoder.close()
    return b"".join(payload)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
def test_frames_are_as_described(size: int) -> None:
    """A chunk size, chunks with checksums, the last short one without, and a checksum of everything."""
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    wanted = struct.pack(">I", CHUNK)
    for at in range(0, size - size % CHUNK, CHUNK):
        chunk = payload[at : at + CHUNK]
        wanted += chunk + struct.pack(">I", crc(chunk))
    wanted += payload[size - size % CHUNK :] + struct.pack(">I", crc(payload))
    assert b"".join(encode_frames(iter([payload[: size // 3], payload[size // 3 :]]))) == wanted
    for pieces in (1 << 20, 1000, 7):
        assert unframe(wanted, pieces) == payload


def test_empty_frames_are_empty() -> None:
    """Nothing at all, a lone checksum, and a chunk size with a checksum are all empty blocks."""
    for body in (b"", bytes(4), struct.pack(">I", CHUNK) + bytes(4)):
        assert unframe(body, 1) == b""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\0\0", "ends inside a chunk"),
        (struct.pack(">I", 0) + b"12345", "the chunk size is 0"),
        (struct.pack(">I", 1 << 31) + b"12345", "the chunk size is 2147483648"),
        (struct.pack(">I", 4) + b"abcd" + bytes(4) + bytes(4), "checksum of a chunk"),
        (struct.pack(">I", CHUNK) + b"abcd" + bytes(4), "checksum of the body"),
    ],
)
def test_malformed_frames_are_refused(body: bytes, message: str) -> None:
    """A frame that is cut, absurd or changed is refused."""
    with pytest.raises(MalformedError, match=message):
        unframe(body, 3)
