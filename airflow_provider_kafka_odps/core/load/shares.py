"""One window, shared out to several processes, and what they report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.fingerprint import differences, fingerprint
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, joined
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import FingerprintDiffers

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
    from airflow_provider_kafka_odps.core.mapping.projection import Origin
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
    fingerprint: str
    """Of what is to be written, as whoever shared the window out knows it."""

    def check(self, origin: Origin) -> None:
        """Raise FingerprintDiffers where whoever is about to load it would write something else."""
        own = fingerprint(self.window, self.blocks, origin)
        if own != self.fingerprint:
            raise FingerprintDiffers(
                f"share {self.number} of {self.of}, {', '.join(map(str, self.window.ranges))}: whoever planned it and "
                f"whoever is to load it do not agree on {differences(self.fingerprint, own)}: {self.fingerprint} was "
                f"planned, {own} would be loaded, by release {__version__}. Was the package updated, or the DAG "
                "edited, after the load began? Nothing was committed. See that all have the same release and the "
                "same DAG; the next attempt shares the window out again"
            )


def workers_for(window: Window, workers: int) -> int:
    """Return how many of so many processes the window is worth."""
    return max(1, min(workers, window.span // LEAST_SPAN))


def share_out(window: Window, blocks: Sequence[Block], workers: int, origin: Origin) -> tuple[Share, ...]:
    """Return shares of the blocks of a window: as many as there are workers, or as blocks if these are fewer."""
    count = max(1, min(workers, len(blocks)))
    edges = [len(blocks) * number // count for number in range(count + 1)]
    parts = [tuple(blocks[start:end]) for start, end in pairwise(edges)]
    windows = [replace(window, ranges=tuple(joined(_ranges(part)))) for part in parts]
    return tuple(
        Share(number, count, its_window, part, fingerprint(its_window, part, origin))
        for number, (its_window, part) in enumerate(zip(windows, parts, strict=True))
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
    partitions: Mapping[int, int] = field(default_factory=dict)
    """Offsets that are behind it by now and were not before, by partition."""
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
