"""One window, shared out to several processes, and what they report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
    from airflow_provider_kafka_odps.core.mapping.reject import Reject


LEAST_SPAN = 100_000
"""Offsets for which a process of its own is worth its start, which takes a second or two."""


HEAD_START = 300_000
"""Offsets that the task's own process loads before another one has started, about."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process loads: a part of the window, into every ``of``-th block from ``number`` on."""

    number: int
    of: int
    window: Window
    """With the ranges of this share alone; a partition that has none of them is not there."""


def plan_shares(
    window: Window, workers: int, least: int | None = None, head_start: int | None = None
) -> tuple[Share, ...]:
    """Return up to ``workers`` shares of a window with at least ``least`` offsets for each; at least one share.

    The ranges are laid end to end, in the order of partitions, and cut into equal lengths, but for the first, which has
    up to ``head_start`` offsets more. So the same window is always shared out alike, a partition that is much larger
    than others is cut as well, and most partitions stay whole.
    """
    count = max(1, min(workers, window.span // (LEAST_SPAN if least is None else least) if workers > 1 else 1))
    if count == 1:
        return (Share(0, 1, window),)
    ahead = min(HEAD_START if head_start is None else head_start, window.span // count)
    edges = [0, *(ahead + (window.span - ahead) * number // count for number in range(1, count + 1))]
    return tuple(
        Share(number, count, replace(window, ranges=tuple(_between(window, edges[number], edges[number + 1]))))
        for number in range(count)
    )


def _between(window: Window, start: int, end: int) -> Iterator[OffsetRange]:
    """Yield what of each partition lies between two places of the line on which all ranges are laid end to end."""
    before = 0
    for offsets in window.ranges:
        first = offsets.start + max(0, start - before)
        after = offsets.start + min(offsets.span, end - before)
        if first < after:
            yield replace(offsets, start=first, end=after)
        before += offsets.span


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


@dataclass(frozen=True, slots=True)
class ShareResult:
    """What one process has loaded, all in all."""

    ledger: Ledger
    blocks: int
    bytes: int
    not_json: int
    seconds: Mapping[str, float]
    """Per stage."""

    def plus(self, blocks: int, size: int, seconds: Mapping[str, float]) -> ShareResult:
        """Return this with blocks, their bytes, and what they took, on top."""
        spent = {stage: self.seconds.get(stage, 0.0) + more for stage, more in seconds.items()}
        return replace(self, blocks=self.blocks + blocks, bytes=self.bytes + size, seconds={**self.seconds, **spent})


@dataclass(frozen=True, slots=True)
class ShareFailed:
    """The last that a worker reports: why it has loaded nothing."""

    error: Exception
