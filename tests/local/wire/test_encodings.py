"""Content encodings: what was packed comes back, and what was damaged is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.encodings import ENCODINGS, pack, unpacker


def unpack(encoding: str, body: bytes, pieces: int) -> bytes:
    """Return the unpacked body, fed in pieces of this size."""
    unpacked: list[bytes] = []
    reader = unpacker(encoding, unpacked.append)
    for at in range(0, len(body), pieces):
        reader.feed(body[at : at + pieces])
    reader.close()
    return b"".join(unpacked)


@pytest.mark.parametrize("encoding", ["", *ENCODINGS])
@given(parts=st.lists(st.binary(max_size=3000), max_size=5), repeat=st.integers(1, 50), pieces=st.integers(1, 5000))
@settings(max_examples=25, deadline=None)
def test_unpacking_undoes_packing(encoding: str, parts: list[bytes], repeat: int, pieces: int) -> None:
    """Whatever was packed comes back, in any encoding and however it is cut."""
    packed = b"".join(pack(encoding, iter([part * repeat for part in parts])))
    assert unpack(encoding, packed, pieces) == b"".join(part * repeat for part in parts)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_packed_bodies_that_are_cut_or_changed_are_refused(encoding: str) -> None:
    """A packed body that ends early, goes on too long, or isn't one at all is refused."""
    packed = b"".join(pack(encoding, iter([b"some text " * 1000])))
    for body in (packed[:-1], b"\x99" * 100, packed + b"\x01\x02\x03"):
        with pytest.raises(MalformedError):
            unpack(encoding, body, 1000)


@pytest.mark.parametrize("encoding", ["deflate", "zstd", "x-lz4-frame"])
def test_a_bomb_is_unpacked_in_small_pieces(encoding: str) -> None:
    """A body that unpacks to much more than itself never comes in one piece."""
    largest = total = 0

    def out(piece: bytes) -> None:
        nonlocal largest, total
        largest, total = max(largest, len(piece)), total + len(piece)

    bomb = b"".join(pack(encoding, (bytes(1 << 20) for _ in range(64))))
    reader = unpacker(encoding, out)
    reader.feed(bomb)
    reader.close()
    assert total == 64 << 20
    assert largest <= 32 << 20


def test_deflate_is_the_zlib_wrapper() -> None:
    """What the tunnel calls deflate has the header of zlib."""
    assert unpack("deflate", zlib.compress(b"text"), 3) == b"text"
