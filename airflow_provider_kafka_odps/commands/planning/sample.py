"""A few records of a window, or all of them, projected as the load would, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_kafka_odps.core.accounting.content import Content
from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.tolerance import Rejections, Tolerance
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.projecting import projected
from airflow_provider_kafka_odps.core.load.lanes.stages import OpenReader, Read
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.routing.staging import Routing
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import RecordsRejected

_PLACES = 3
"""Of each partition, so many places are looked at: its start, its middle and its end."""
_RECORDS = ("rows", "rejects", "filtered")
"""What a record becomes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of some offsets of a window."""

    offsets: int
    whole: bool
    """Whether these are all of the window's."""
    counts: Mapping[str, int]
    """Rows, rejects, gaps and their kinds: as ``accounting.counts.Counts`` has them."""
    rejects: Rejections
    per_partition: Mapping[str, int] | None
    """Partition of the table → rows, where records say the partition."""
    problem: str | None
    """Why the load would not become visible, as far as these records tell."""

    @property
    def records(self) -> int:
        """How many records there were."""
        return sum(self.counts[each] for each in _RECORDS)

    def to_json(self) -> dict[str, Any]:
        """Return it for a script."""
        return {
            "offsets": self.offsets,
            "whole": self.whole,
            **self.counts,
            **({} if self.per_partition is None else {"per_partition": dict(self.per_partition)}),
        }


@dataclass(frozen=True, slots=True)
class Sampler:
    """Reads samples as one load would read and project them."""

    open_reader: OpenReader
    projection: Projection
    routing: Routing | None
    tolerance: Tolerance
    cleanup_policy: Callable[[], str | None]

    def take(self, window: Window, most: int | None, advance: Callable[[int], None]) -> Sample:
        """Read so many offsets of a window, or all of it; ``advance`` hears how many are behind."""
        parts = list(parts_of(window, most))
        counts: Counter[str] = Counter(dict.fromkeys(_RECORDS, 0))
        rejects, content = Rejections(Tolerance(None)), Content()
        with self.open_reader() as read:
            for part in parts:
                ledger = self._read(read, part, rejects, advance)
                for each in ledger.prove(self.cleanup_policy, OnDataLoss.SKIP).values():
                    counts.update(each.to_json())
                content.merge(ledger.content)
        offsets = sum(part.span for part in parts)
        per_partition, problem = None, self._too_many(rejects, sum(counts[each] for each in _RECORDS))
        if self.routing is not None:
            try:
                found = content.per_partition.of(self.routing.routes, self.routing.max_partitions)
                per_partition = {str(place): rows for place, rows in found.items()}
            except RecordsRejected as refused:
                problem = str(refused)
        return Sample(offsets, offsets == window.span, dict(counts), rejects, per_partition, problem)

    def _read(self, read: Read, part: Window, rejects: Rejections, advance: Callable[[int], None]) -> Ledger:
        ledger, evidence = Ledger(part), Evidence()
        with closing(read(part, evidence)) as batches:
            for batch in batches:
                for passed in evidence.take_passed_over():
                    ledger.pass_over(passed)
                before = ledger.passed
                for records, found in projected(self.projection, part.topic, batch):
                    rejects.add(found.rejects, len(records))
                    ledger.add(records, rejects=len(found.rejects), filtered=found.filtered)
                    ledger.content.add(found, records, self.projection)
                advance(ledger.passed - before)
        for passed in evidence.take_passed_over():
            ledger.pass_over(passed)
        return ledger

    def _too_many(self, found: Rejections, records: int) -> str | None:
        limit = self.tolerance
        if limit.count is None or found.count <= limit.count:
            return None
        return (
            f"{found.count} of {records} records that were looked at do not fit the table, more than "
            f"max_rejects={limit} allows:{found.shown}"
        )


def columns_of(window: Window, projection: Projection) -> frozenset[str]:
    """Return the columns of batches that a sample looks at."""
    return projection.wanted | Lateness.of(window).columns


def parts_of(window: Window, most: int | None) -> Iterator[Window]:
    """Yield windows that make a sample of so many offsets: of each partition its start, its middle and its end.

    Of very many partitions, the largest are taken. All of the window is one part where it has no more offsets than
    that, and for None.
    """
    if most is None or window.span <= most:
        yield window
        return
    filled = sorted((each for each in window.ranges if each.span), key=lambda each: (-each.span, each.partition))
    chosen = sorted(filled[: max(1, most // _PLACES)])
    each = max(1, most // (len(chosen) * _PLACES))
    for place in range(_PLACES):
        if ranges := tuple(found for one in chosen if (found := _piece(one, each, place)) is not None):
            yield replace(window, ranges=ranges)


def _piece(offsets: OffsetRange, span: int, place: int) -> OffsetRange | None:
    """Return one piece of a range; a range that is no longer than all of them is the first one."""
    if offsets.span <= span * _PLACES:
        return offsets if place == 0 else None
    start = offsets.start + (offsets.span - span) * place // (_PLACES - 1)
    return replace(offsets, start=start, end=start + span)
