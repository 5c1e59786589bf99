"""How much a load may take at once: memory, blocks in flight, bytes per second, and how blocks are packed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_kafka_odps.exceptions import InvalidInput

MAX_MEMORY = 340_000_000
"""What a load's process may grow by, unless a parameter says otherwise."""
CONCURRENCY = 1
"""One block is sent while the next one is filled; with two, blocks would be smaller than the service wants them."""
MOST_WORKERS = 64
FETCH_BYTES = 2 * 1024 * 1024
"""What one answer of a broker may hold."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]?i?)b?\s*", re.IGNORECASE)
# Measured, where writing is slower than reading: what clients, the decoder, DuckDB, sockets and what allocators do not
# give back take beside the records themselves.
_FIXED = 160_000_000
# Measured with values of 1 MB: how many answers of a broker are in memory, whole or in parts, waiting or on their way.
_PER_FETCHED = 16
_QUEUES = 2
_QUEUE = 8 * 1024 * 1024
_LEAST_BLOCK = 4 * 1024 * 1024
_LEAST_UNPACKED, UNPACK_LIMIT = 64 * 1024 * 1024, 256 * 1024 * 1024
"""Between these, what one record batch may unpack to: 100 KB can hold 100 MB."""


class Compression(StrEnum):
    """How the bodies of blocks are packed on their way."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    ZLIB = "zlib"


@dataclass(frozen=True, slots=True)
class Effort:
    """What a load may take, shared out to its stages."""

    max_memory: int = MAX_MEMORY
    """Bytes that the process may grow by."""
    concurrency: int = CONCURRENCY
    """Blocks that are written at a time; 0: one stage after the other, in one thread."""
    max_bytes_per_second: int | None = None
    """Bytes of columns, before compression."""
    workers: int = 1
    """Processes that share the window; each may take ``max_memory`` and write ``concurrency`` blocks."""
    compression: Compression = Compression.NONE

    def __post_init__(self) -> None:
        """Refuse a concurrency below 0, a speed of nothing, and memory in which no block of use fits."""
        if self.concurrency < 0:
            raise InvalidInput(f"concurrency={self.concurrency}: 0 or more blocks can be written at a time")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise InvalidInput(f"workers={self.workers}: 1 to {MOST_WORKERS} processes can share a window")
        if self.max_bytes_per_second is not None and self.max_bytes_per_second < 1:
            raise InvalidInput(f"max_bytes_per_second={self.max_bytes_per_second}: at least 1, or None for no limit")
        if self.block_bytes < _LEAST_BLOCK:
            least = _FIXED + _PER_FETCHED * FETCH_BYTES + _QUEUES * _QUEUE + _LEAST_BLOCK * (self.concurrency + 1)
            raise InvalidInput(
                f"max_memory={self.max_memory} is too little for concurrency={self.concurrency}: at least "
                f"{-(-least // 10**6)}MB are needed"
            )

    @property
    def fetch_bytes(self) -> int:
        """What one answer of a broker may hold."""
        return FETCH_BYTES

    @property
    def unpack_limit(self) -> int:
        """What one record batch may unpack to: as much as a block may hold, within what batches of producers need."""
        return min(max(self.block_bytes, _LEAST_UNPACKED), UNPACK_LIMIT)

    @property
    def queue_bytes(self) -> int:
        """How far a stage may be ahead of the next one."""
        return _QUEUE

    @property
    def block_bytes(self) -> int:
        """How large a block may become: one is filled while others are written, and kept until they are."""
        left = self.max_memory - _FIXED - _PER_FETCHED * self.fetch_bytes - _QUEUES * self.queue_bytes
        return left // (self.concurrency + 1)


def parse_bytes(asked: int | str, parameter: str) -> int:
    """Return a number of bytes: ``268435456``, ``"256MB"`` (millions), ``"256MiB"``.

    >>> parse_bytes("1.5 MB", "max_memory")
    1500000
    """
    found = _AMOUNT.fullmatch(str(asked))
    if found is None or found[2].lower() not in _UNITS or isinstance(asked, bool):
        raise InvalidInput(f'{parameter}={asked!r} is no amount of bytes: write a number, or "256MB" or "256MiB"')
    return int(float(found[1]) * _UNITS[found[2].lower()])
