"""What the rows of a load have of keys, values and headers, and what is NULL in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.mapping.sources.records import BadDocument

_LISTED = 3
"""How many documents that are bad are listed."""


@dataclass(slots=True)
class Documents:
    """The keys, or the values, of a window as JSON."""

    there: int = 0
    """Without null ones."""
    bad: int = 0
    first: tuple[BadDocument, ...] = ()
    """Of those that are bad."""

    def add(self, there: int, bad: int, first: Iterable[BadDocument]) -> None:
        """Count some more."""
        self.there += there
        self.bad += bad
        self.first = (*self.first, *first)[:_LISTED]


class Content:
    """The running count of a window, or of a share of it; it can be sent to another process, and merged there."""

    def __init__(self) -> None:
        self.nulls: Counter[str] = Counter()
        """Column → rows that have NULL in it, of columns that are filled from records; without those that have none."""
        self.empty_rows = 0
        """Rows with NULL in every column that is filled from a value or a header."""
        self.documents: dict[Part, Documents] = {}
        """Of keys and values, where they are read as JSON."""

    def add(self, projected: Projected) -> None:
        """Count the rows of a batch."""
        self.nulls.update(projected.nulls)
        self.empty_rows += projected.empty_rows
        for each in projected.documents:
            self.documents.setdefault(each.part, Documents()).add(each.there, each.bad, each.first)

    def merge(self, share: Content) -> None:
        """Take over what another process has counted."""
        self.nulls.update(share.nulls)
        self.empty_rows += share.empty_rows
        for part, each in share.documents.items():
            self.documents.setdefault(part, Documents()).add(each.there, each.bad, each.first)
