"""What was taken of one batch: a column for each source, and the keys and values that are no JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.expressions import Part, Source
from airflow_provider_kafka_odps.core.mapping.sources.looks import Look, look_of
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible


@dataclass(frozen=True, slots=True)
class BadDocument:
    """A key or value that is no JSON, or no JSON object where paths lead into it."""

    place: str
    """Its coordinates."""
    look: Look


_LISTED = 3
"""How many documents of a batch that are bad are listed."""


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """The keys, or the values, of one batch as JSON."""

    part: Part
    there: int
    """Without null ones."""
    bad: int
    first: tuple[BadDocument, ...]
    """Of those that are bad."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The sources of one batch."""

    columns: Mapping[Source, Converted]
    bad: Mapping[Part, Sequence[Unconvertible]]
    """Of keys and values that are read as JSON, those that are none."""
    unusable: Unconvertible | None
    """The first of these, where the load is to fail for it."""

    def documents(self, topic: str, batch: pa.RecordBatch) -> tuple[DocumentCounts, ...]:
        """Return the counts of keys and values that are read as JSON, of the batch that was taken."""
        return tuple(_counts(topic, batch, part, bad) for part, bad in self.bad.items())

    def of_rows(self, kept: npt.NDArray[np.bool_]) -> Taken:
        """Return the sources of some of the rows, as of a batch of their own."""
        mask, places = pa.array(kept), np.cumsum(kept) - 1
        columns = {
            source: (column.filter(mask), _of_rows(problems, kept, places))
            for source, (column, problems) in self.columns.items()
        }
        bad = {part: _of_rows(each, kept, places) for part, each in self.bad.items()}
        return Taken(columns, bad, self.unusable)


def _of_rows(
    problems: Sequence[Unconvertible], kept: npt.NDArray[np.bool_], places: npt.NDArray[np.int64]
) -> list[Unconvertible]:
    return [Unconvertible(int(places[each.row]), each.reason) for each in problems if kept[each.row]]


def _counts(topic: str, batch: pa.RecordBatch, part: Part, bad: Sequence[Unconvertible]) -> DocumentCounts:
    octets = batch.column(part.value)
    first = tuple(
        BadDocument(
            f"{topic}[{batch.column('partition')[each.row]}] offset {batch.column('offset')[each.row]}",
            look_of(octets[each.row].as_py()),
        )
        for each in bad[:_LISTED]
    )
    return DocumentCounts(part, len(octets) - octets.null_count, len(bad), first)
