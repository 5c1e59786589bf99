"""One window, shared out to several processes, and what they report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, joined
from airflow_provider_kafka_odps.core.window.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
    from airflow_provider_kafka_odps.core.mapping.reject import Reject


LEAST_SPAN = 4_000_000
"""Offsets for which a process of its own was measured to be worth its start, which takes a second of its processor."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process loads: some blocks of the window that follow each other."""

    number: int
    of: int
    window: Window
    """With the ranges of this share alone; a partition that has none of them is not there."""
    blocks: tuple[Block, ...]


def workers_for(window: Window, workers: int) -> int:
    """Return how many of so many processes the window is worth."""
    return max(1, min(workers, window.span // LEAST_SPAN))


def share_out(window: Window, blocks: Sequence[Block], workers: int) -> tuple[Share, ...]:
    """Return shares of the blocks of a window: as many as there are workers, or as blocks if these are fewer."""
    count = max(1, min(workers, len(blocks)))
    edges = [len(blocks) * number // count for number in range(count + 1)]
    parts = [tuple(blocks[start:end]) for start, end in pairwise(edges)]
    return tuple(
        Share(number, count, replace(window, ranges=tuple(joined(_ranges(part)))), part)
        for number, part in enumerate(parts)
    )


def _ranges(blocks: Iterable[Block]) -> Iterator[OffsetRange]:
    for block in blocks:
        yield from block.ranges


@dataclass(frozen=True, slots=True)
class ShareProgress:
    """What happened since the last time that a worker reported something."""

    rows: int = 0
    bytes: int = 0
    passed: int = 0
    """Offsets that are behind its last record."""
    rejects: tuple[Reject, ...] = ()
    reject_rows: pa.RecordBatch | None = None
    """The same in the columns of rejects, where these are kept."""
    refused: tuple[str, ...] = ()
    """What the service said when it asked for less."""


@dataclass(frozen=True, slots=True)
class ShareResult:
    """What one process has loaded, all in all."""

    ledger: Ledger
    blocks: int
    bytes: int
    not_json: int
    seconds: Mapping[str, float]
    """Per stage."""
    speed: Speed = field(default_factory=Speed)


@dataclass(frozen=True, slots=True)
class ShareFailed:
    """The last that a worker reports: why it has loaded nothing."""

    error: Exception


class RunningWorkers(Protocol):
    """Workers that load shares of one window."""

    def check(self) -> None:
        """Raise the error of the first worker that has failed, if any; in any thread."""

    def reports(self) -> Sequence[ShareProgress]:
        """Return, once, what the workers have reported by now."""

    def results(self) -> Sequence[ShareResult] | None:
        """Return what each has loaded, in the order of their shares; None while one still loads."""
