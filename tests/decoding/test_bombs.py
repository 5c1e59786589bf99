"""Batches that unpack to much more than they are: refused in bounded memory, with their place."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import pytest
from decoding.bombs import UNPACKED, bomb
from kit.decoders import batch_decoder
from kit.kafka_log import EVERYTHING, Record, batch, sealed, through_the_seam

from airflow_provider_kafka_odps.core.load.resources import UNPACK_LIMIT, Resources
from airflow_provider_kafka_odps.decoding.raw import RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch

LIMIT = 32 << 20
SLACK = 32 << 20
"""Bytes beside what is unpacked: the decompressor's own, and Python's."""


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd", "snappy", "raw snappy"])
def test_a_bomb_of_each_codec_stays_within_its_limit(codec: str, tmp_path: Path) -> None:
    """A process of its own grows by the limit and little more, whatever a batch unpacks to; the message says where."""
    path = tmp_path / "bomb"
    path.write_bytes(bomb(codec))
    assert path.stat().st_size < UNPACKED // 10
    ended = subprocess.run(
        [sys.executable, "-m", "decoding.bombs", str(path), str(LIMIT)],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    )
    told = json.loads(ended.stdout)
    assert told["message"].startswith("orders[3] offset 12: ")
    assert f"do not unpack into {LIMIT}, the limit for one batch" in told["message"]
    assert "max_memory is too small for this topic" in told["message"]
    assert told["grown"] < LIMIT + SLACK


def test_a_frame_that_lies_about_its_size_is_refused() -> None:
    """lz4 says before the data how much it is; memory for that is not to be had, and the error is ours."""
    frame = bytearray(lz4.frame.compress(bytes(1_000), store_size=True))
    struct.pack_into("<Q", frame, 6, 1 << 50)
    frame[14] = _check_octet(bytes(frame[4:14]))
    header = struct.pack(">hiqqqhii", 3, 9, 1_000, 1_000, -1, -1, -1, 1)
    lying = RawBatches.parse(sealed(header + bytes(frame), 12), "orders[3]")
    with pytest.raises(CorruptBatch, match=r"^orders\[3\] offset 12: .* MemoryError"):
        list(batch_decoder().decode([lying], EVERYTHING))


def _check_octet(descriptor: bytes) -> int:
    """Return the octet of a frame's descriptor that checks it: of xxHash32, for less than 16 bytes."""
    mask, primes = 0xFFFFFFFF, (2654435761, 2246822519, 3266489917, 668265263, 374761393)
    found = primes[4] + len(descriptor)
    for at in range(0, len(descriptor) - 3, 4):
        found = (found + int.from_bytes(descriptor[at : at + 4], "little") * primes[2]) & mask
        found = ((found << 17 | found >> 15) & mask) * primes[3] & mask
    for octet in descriptor[len(descriptor) // 4 * 4 :]:
        found = (found + octet * primes[4]) & mask
        found = ((found << 11 | found >> 21) & mask) * primes[0] & mask
    found = (found ^ found >> 15) * primes[1] & mask
    found = (found ^ found >> 13) * primes[2] & mask
    return (found ^ found >> 16) >> 8 & 0xFF


def test_a_marker_that_is_compressed_is_refused() -> None:
    """The client would unpack it without a bound to look for its kind; no broker compresses one."""
    log = batch(7, [Record(0, key=bytes(4))], codec="gzip", producer_id=6, control=True)
    from kit.kafka_log import COMMITTED

    with pytest.raises(CorruptBatch, match=r"^orders\[3\]: the transaction marker at offset 7 is compressed"):
        through_the_seam(log, **COMMITTED)


def test_a_batch_that_ends_in_its_header_is_refused() -> None:
    """The client reads beyond it, and its error becomes ours, with the place."""
    short = bytes.fromhex("00000000000000650000000ea732eef42500ffffffffffff0064")
    with pytest.raises(CorruptBatch, match=r"^orders\[3\]: byte 0 of the broker's answer is malformed"):
        through_the_seam(short)


def test_the_limit_grows_with_max_memory() -> None:
    """A batch may be as large as a block, within bounds: small ones leave room for what producers send."""
    limits = [Resources.within(memory).unpack_limit for memory in (250_000_000, 340_000_000, 600_000_000, 4 * 10**9)]
    assert limits == sorted(limits)
    assert (limits[0], limits[-1]) == (64 << 20, UNPACK_LIMIT)
    assert limits[2] == Resources.within(600_000_000).block_bytes
