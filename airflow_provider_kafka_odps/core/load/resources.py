"""How much a load may take at once: memory, blocks in flight, processes, bytes per second."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.exceptions import InvalidInput

MAX_MEMORY = 340_000_000
"""What a load's process may grow by, unless a parameter says otherwise."""


CONCURRENCY = 1
"""One block is sent while the next one is filled; with two, blocks would be smaller than the service wants them."""


MOST_WORKERS = 64


FETCH_BYTES = 8 * 1024 * 1024
"""What one answer of a broker may hold at most: with more, nothing gets faster."""


# Measured, where writing is slower than reading: what clients, the decoder, DuckDB, sockets and what allocators do not
# give back take beside the records themselves.
_FIXED = 155_000_000


_ANSWERS = 5
"""Answers that there is room for: one that is decoded, one that waits, one on its way, and what is left of others."""


_LEAST_ANSWER = 1024 * 1024


_ANSWER_SHARE = 50
"""Of the memory, an answer may take one in so many parts: 6.8 MB by default."""


_BYTES_PER_OFFSET = 4096
"""What is asked for per offset of a small window: more than most records have, so that it comes in one answer."""


_QUEUES = 2


_QUEUE = 8 * 1024 * 1024


_LEAST_BLOCK = 4 * 1024 * 1024


_LEAST_UNPACKED, UNPACK_LIMIT = 64 * 1024 * 1024, 256 * 1024 * 1024
"""Between these, what one record batch may unpack to: 100 KB can hold 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a load may take, shared out to its stages."""

    concurrency: int
    """How many blocks are written at a time, beside reading and projecting; 0: one thing after the other."""
    workers: int
    """How many processes share the window, the task's own among them; each may take all of this."""
    block_bytes: int
    """How large a block may become: one is filled while others are written, and kept until they are."""
    queue_bytes: int
    """How far a stage may be ahead of the next one."""
    fetch_bytes: int
    """What one answer of a broker may hold."""
    unpack_limit: int
    """What one record batch may unpack to."""
    max_bytes_per_second: int | None
    """Bytes of columns, before compression, of all processes together; None: as fast as it goes."""

    def __post_init__(self) -> None:
        """Refuse a concurrency below 0, more processes than anybody wants, and a speed of nothing."""
        if self.concurrency < 0:
            raise InvalidInput(f"concurrency={self.concurrency}: 0 or more blocks can be written at a time")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise InvalidInput(f"workers={self.workers}: 1 to {MOST_WORKERS} processes can share a window")
        if self.max_bytes_per_second is not None and self.max_bytes_per_second < 1:
            raise InvalidInput(f"max_bytes_per_second={self.max_bytes_per_second}: at least 1, or None for no limit")

    @classmethod
    def within(
        cls,
        max_memory: int = MAX_MEMORY,
        *,
        concurrency: int = CONCURRENCY,
        workers: int = 1,
        max_bytes_per_second: int | None = None,
    ) -> Resources:
        """Return what fits into the bytes by which each process may grow.

        Raises InvalidInput, with what is needed, for memory in which no block of use fits.
        """
        fetch_bytes = min(max_memory // _ANSWER_SHARE, FETCH_BYTES)
        blocks = max(concurrency, 0) + 1
        block_bytes = (max_memory - _FIXED - _ANSWERS * fetch_bytes - _QUEUES * _QUEUE) // blocks
        resources = cls(
            concurrency=concurrency,
            workers=workers,
            block_bytes=block_bytes,
            queue_bytes=_QUEUE,
            fetch_bytes=fetch_bytes,
            # As much as a block may hold, within what batches of producers need.
            unpack_limit=min(max(block_bytes, _LEAST_UNPACKED), UNPACK_LIMIT),
            max_bytes_per_second=max_bytes_per_second,
        )
        if block_bytes < _LEAST_BLOCK:
            raise InvalidInput(
                f"max_memory={max_memory} is too little for concurrency={concurrency}: at least "
                f"{-(-_least_memory(blocks) // 10**6)}MB are needed"
            )
        return resources

    @staticmethod
    def most_concurrency(max_memory: int) -> int:
        """Return the highest concurrency for which memory is enough, by the rule of ``within``; below 0: for none.

        >>> Resources.most_concurrency(MAX_MEMORY)
        31
        """
        fetch_bytes = min(max_memory // _ANSWER_SHARE, FETCH_BYTES)
        return (max_memory - _FIXED - _ANSWERS * fetch_bytes - _QUEUES * _QUEUE) // _LEAST_BLOCK - 1


def _least_memory(blocks: int) -> int:
    needed = _FIXED + _QUEUES * _QUEUE + _LEAST_BLOCK * blocks
    # Answers take their part of all, or as much as they ever take.
    return min(needed * _ANSWER_SHARE // (_ANSWER_SHARE - _ANSWERS), needed + _ANSWERS * FETCH_BYTES)


def answer_bytes(limit: int, brokers: int, offsets: int) -> int:
    """Return what to ask of a broker at once: at most ``limit`` bytes, and less where that is too much.

    Each broker that partitions are read from has an answer that waits and one on its way, so many of them share what a
    few may take. What an answer holds behind the end of a window is of no use, so a small window asks for little.

    >>> answer_bytes(6_800_000, brokers=1, offsets=50_000_000), answer_bytes(6_800_000, brokers=9, offsets=50_000_000)
    (6800000, 1789473)
    >>> answer_bytes(6_800_000, brokers=1, offsets=100)
    1048576
    """
    share = _ANSWERS * limit // (2 * brokers + 1)
    return min(limit, max(_LEAST_ANSWER, min(share, offsets * _BYTES_PER_OFFSET)))
