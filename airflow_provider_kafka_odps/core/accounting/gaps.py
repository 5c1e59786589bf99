"""Offsets of a window without a record, and what proves that there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.exceptions import InvalidInput

LISTED = 10_000
"""How many ranges of a partition are kept to say where a gap is; counts go on."""


class GapKind(StrEnum):
    """Why an offset has no record."""

    CONTROL = "control"
    """A transaction marker."""
    ABORTED = "aborted"
    """A record of an aborted transaction, which a committed reader does not see."""
    COMPACTED = "compacted"
    """Removed because a later record has the same key; the topic's ``cleanup.policy`` includes ``compact``."""
    MISSING = "missing"
    """Lost: not in the log any more, and skipped because ``on_data_loss="skip"`` says so."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Offsets that hold no record for this reader, as the log itself says."""

    offsets: OffsetRange
    kind: GapKind

    def __post_init__(self) -> None:
        """Refuse a range of nothing, and what no reader can see: an offset that was compacted away is not there."""
        if not self.offsets.span or self.kind is GapKind.COMPACTED:
            raise InvalidInput(f"{self.offsets}, {self.kind}: nothing that a reader passes over")


class Ranges:
    """Half-open ranges that come in order: how many offsets they cover, and where the first of them are."""

    def __init__(self, start: int, end: int) -> None:
        """Take the range within which they count."""
        self._from, self._end = start, end
        self.covered = 0
        self.listed: list[tuple[int, int]] = []

    def add(self, start: int, end: int) -> int:
        """Count what of a range was not seen before; return how many offsets these are."""
        start, end = max(start, self._from), min(end, self._end)
        if start >= end:
            return 0
        self._from = end
        self.covered += end - start
        if self.listed and self.listed[-1][1] == start:
            self.listed[-1] = (self.listed[-1][0], end)
        elif len(self.listed) < LISTED:
            self.listed.append((start, end))
        return end - start

    def extend(self, later: Ranges) -> None:
        """Count the ranges of another one, which begins where this one ends or behind."""
        self.covered += later.covered
        listed = later.listed
        if self.listed and listed and self.listed[-1][1] == listed[0][0]:
            self.listed[-1] = (self.listed[-1][0], listed[0][1])
            listed = listed[1:]
        self.listed += listed[: LISTED - len(self.listed)]
        self._from = max(self._from, later._from)


def without(ranges: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of ``ranges`` where ``others`` are taken away; both in order.

    >>> list(without([(0, 5), (7, 9)], [(1, 2), (4, 8)]))
    [(0, 1), (2, 4), (8, 9)]
    """
    taken = iter(others)
    away = next(taken, None)
    for first, end in ranges:
        start = first
        while away is not None and away[1] <= start:
            away = next(taken, None)
        while away is not None and away[0] < end:
            if start < away[0]:
                yield start, away[0]
            start = away[1]
            if start >= end:
                break
            away = next(taken, None)
        if start < end:
            yield start, end
