"""How much a load may take at once: memory, blocks in flight, processes, bytes per second."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.exceptions import InvalidInput

MAX_MEMORY = 340_000_000
"""What a load's process may grow by, unless a parameter says otherwise."""


AUTO = "auto"
"""What a user writes for a number that the load decides on."""


_FIRST_LANES = 2
"""Those that begin, where the load decides: as many as are enough where nothing is waited for."""


AUTO_LANES = 8
"""Blocks that are written at a time by default, where the window is worth it and memory is enough."""


MOST_WORKERS = 64


FETCH_BYTES = 8 * 1024 * 1024
"""What one answer of a broker may hold at most: with more, nothing gets faster."""


# Measured, where writing is slower than reading: what clients, the decoder, DuckDB, sockets and what allocators do not
# give back take beside the records themselves.
_FIXED = 155_000_000


_OF_LANES = 2 * 1024 * 1024
"""The same, where there are several lanes: with less, records are decoded in groups that are too small."""


_ANSWERS = 3
"""Answers that a lane has room for: one that is decoded, one that waits, one on its way."""


_LEAST_ANSWER = 1024 * 1024


_BYTES_PER_OFFSET = 4096
"""What is asked for per offset of a small window: more than most records have, so that it comes in one answer."""


_ROWS = 8 * 1024 * 1024
"""What a lane has of rows: those that are decoded, those that are projected of them, and a piece that is sent."""


BLOCK_BYTES, _LARGEST_BLOCK = 64 * 1024 * 1024, 256 * 1024 * 1024
"""How large blocks are to be. Source: what MaxCompute recommends."""


_WORTH_A_LANE = 16 * 1024 * 1024
"""Bytes of rows for which a lane more is worth a consumer and a connection more."""


_PACE = 10 * 1024 * 1024
"""Bytes per second that the service takes of one block. Source: MaxCompute's limits of the tunnel."""


_LONGEST_SECONDS = 60
"""For which a block is written, where the user has set the pace."""


_BLOCKS, _SECONDS = 400, 300
"""Blocks that one table takes in so many seconds: 500, of which others have a part. Source: the same."""


_LEAST_UNPACKED, UNPACK_LIMIT = 64 * 1024 * 1024, 256 * 1024 * 1024
"""Between these, what one record batch may unpack to: 100 KB can hold 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a load may take."""

    concurrency: int
    """Lanes: how many blocks are read, projected and written at a time; 0: one block, in the task's own thread."""
    first: int
    """How many of them begin; others join them where that pays."""
    computing: int
    """How many lanes of a process make rows at once: more of them than cores would only take Python's lock in turns."""
    workers: int
    """How many processes share the window, the task's own among them; each may take all of this."""
    block_bytes: int
    """How large a block of a large window is, about."""
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
        concurrency: int | None = None,
        workers: int = 1,
        cores: int = 2,
        max_bytes_per_second: int | None = None,
    ) -> Resources:
        """Return what fits into the bytes by which each process may grow; a concurrency of None is as much as pays.

        ``cores`` are those that all of the processes may use together.

        Raises InvalidInput, with what is needed, for memory in which so many lanes do not fit.
        """
        most = cls.most_concurrency(max_memory)
        lanes = max(1, min(AUTO_LANES, most)) if concurrency is None else concurrency
        each = (max_memory - _FIXED) // max(lanes, 1)
        resources = cls(
            concurrency=lanes,
            first=min(lanes, _FIRST_LANES) if concurrency is None else lanes,
            computing=max(1, cores // max(workers, 1)),
            workers=workers,
            block_bytes=_block_bytes(max(lanes, 1) * max(workers, 1), max_bytes_per_second),
            # What an answer holds behind the end of a block was fetched in vain: of small blocks that is much.
            fetch_bytes=FETCH_BYTES if lanes <= 1 else max(_LEAST_ANSWER, min(_OF_LANES, (each - _ROWS) // _ANSWERS)),
            # Within what batches of producers need.
            unpack_limit=min(max(each, _LEAST_UNPACKED), UNPACK_LIMIT),
            max_bytes_per_second=max_bytes_per_second,
        )
        if max(lanes, 1) > most:
            raise InvalidInput(
                f"max_memory={max_memory} is too little for concurrency={AUTO if concurrency is None else lanes}: "
                f"at least {-(-least_memory(lanes) // 10**6)}MB are needed"
            )
        return resources

    @staticmethod
    def most_concurrency(max_memory: int) -> int:
        """Return the highest concurrency for which memory is enough, by the rule of ``within``; below 1: for none.

        >>> Resources.most_concurrency(MAX_MEMORY)
        16
        """
        return (max_memory - _FIXED) // _LANE

    def blocks(self, size: int) -> int:
        """Return how many blocks a window of so many bytes of rows is worth.

        So many that no lane is idle while others have much to do, and each is worth its requests.
        """
        lanes = max(1, self.concurrency) * self.workers
        wanted = max(-(-size // self.block_bytes), min(lanes, worthwhile_lanes(size)), 1)
        return -(-wanted // lanes) * lanes if wanted > lanes else wanted


def _block_bytes(lanes: int, rate: int | None) -> int:
    """Return how large blocks are, for so many lanes in all, and bytes per second."""
    # So large that many of them do not meet the service's limit, if each goes as fast as it takes it.
    size = min(_LARGEST_BLOCK, max(BLOCK_BYTES, lanes * _PACE * _SECONDS // _BLOCKS))
    # A block that takes long has much to repeat when its connection breaks.
    return size if rate is None else min(size, max(_LEAST_ANSWER, rate * _LONGEST_SECONDS // lanes))


def worthwhile_lanes(size: int) -> int:
    """Return for how many lanes a window of so many bytes of rows is enough."""
    return size // _WORTH_A_LANE


_LANE = _ROWS + _ANSWERS * _LEAST_ANSWER


def least_memory(lanes: int) -> int:
    """Return the bytes of ``max_memory`` that so many lanes need."""
    return _FIXED + _LANE * max(lanes, 1)


def answer_bytes(limit: int, brokers: int, offsets: int) -> int:
    """Return what to ask of a broker at once: at most ``limit`` bytes, and less where that is too much.

    Each broker that partitions are read from has an answer that waits and one on its way, so many of them share what a
    few may take. What an answer holds behind the end of a window is of no use, so a small window asks for little.

    >>> answer_bytes(6_800_000, brokers=1, offsets=50_000_000), answer_bytes(6_800_000, brokers=9, offsets=50_000_000)
    (6800000, 1073684)
    >>> answer_bytes(6_800_000, brokers=1, offsets=100)
    1048576
    """
    share = _ANSWERS * limit // (2 * brokers + 1)
    return min(limit, max(_LEAST_ANSWER, min(share, offsets * _BYTES_PER_OFFSET)))
