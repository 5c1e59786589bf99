"""Small record batches that unpack to hundreds of megabytes, and what decoding one costs: run as a program."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import psutil
import zstandard
from kit.decoders import batch_decoder
from kit.kafka_log import PACKERS, sealed

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.decoding.raw import RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch

UNPACKED = 400 << 20
_PIECE = bytes(1 << 20)


def bomb(codec: str) -> bytes:
    """Return a batch at offset 12 whose records unpack to zeros, without ever having them in memory."""
    number, _ = PACKERS[codec]
    header = struct.pack(">hiqqqhii", number, 9, 1_000, 1_000, -1, -1, -1, 1)
    return sealed(header + _packed(codec), 12)


def _packed(codec: str) -> bytes:
    into = io.BytesIO()
    match codec:
        case "gzip":
            with gzip.GzipFile(fileobj=into, mode="wb") as file:
                _fill(file)
        case "lz4":
            with lz4.frame.LZ4FrameFile(into, mode="wb") as file:
                _fill(file)
        case "zstd":
            with zstandard.ZstdCompressor().stream_writer(into, closefd=False) as file:
                _fill(file)
        case "raw snappy":
            into.write(_snappy(UNPACKED))
        case _:
            # Java's frame: many blocks, each of them small.
            block = _snappy(1 << 20)
            into.write(b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1))
            into.write((struct.pack(">i", len(block)) + block) * (UNPACKED >> 20))
    return into.getvalue()


def _fill(file: object) -> None:
    for _ in range(UNPACKED // len(_PIECE)):
        file.write(_PIECE)  # type: ignore[attr-defined]  # each of them is a file


def _snappy(size: int) -> bytes:
    """Return a raw block of zeros: its size, one literal, and copies of what stands one byte before."""
    length, left = b"", size
    while left > 0x7F:
        length, left = length + bytes([left & 0x7F | 0x80]), left >> 7
    copy = bytes([(64 - 1) << 2 | 2]) + struct.pack("<H", 1)
    return length + bytes([left]) + b"\0\0" + copy * (-(-(size - 1) // 64))


def main(path: Path, unpack_limit: int) -> None:
    """Decode one and print the message, and by how many bytes the process has grown at most."""
    batch = RawBatches.parse(path.read_bytes(), "orders[3]")
    decoder = batch_decoder(unpack_limit=unpack_limit)
    before, message = psutil.Process().memory_info().rss, "decoded"
    try:
        list(decoder.decode([batch], OffsetRange("orders", 3, 0, 1 << 62)))
    except CorruptBatch as error:
        message = str(error)
    peak = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line).split()[1])
    sys.stdout.write(json.dumps({"message": message, "grown": peak * 1024 - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
