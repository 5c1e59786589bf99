"""What the rows of a load have of keys, values and headers, and what is NULL in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.mapping.sources.samples import NOTHING, RECORDS, Sample
from airflow_provider_kafka_odps.core.mapping.sources.taken import BadDocument
from airflow_provider_kafka_odps.core.routing.rows_per_partition import RowsPerPartition

MOST_COLUMNS = 100
"""Of how many columns a receipt has the NULLs."""


_LISTED = 3
"""How many documents that are bad are listed."""


_MOST_RECORDS = 20 * RECORDS
"""Of how many records of a share samples are taken."""


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

        self.per_partition = RowsPerPartition()
        """Of a load whose records say the partition."""

        self.found: set[str] = set()
        """Columns whose path or header is in some record."""
        self.samples: dict[str, Sample] = {}
        """What some records have in the place of the others'."""
        self._looked_at: Counter[int] = Counter()
        """Partition → records of which samples were taken."""

    @property
    def most_nulls(self) -> dict[str, int]:
        """The NULLs of the columns that have most: the journal, which has up to three receipts, is to stay small."""
        return dict(self.nulls.most_common(MOST_COLUMNS))

    def add(self, projected: Projected, batch: pa.RecordBatch, projection: Projection) -> None:
        """Count the rows of a batch of one partition."""
        self._look(projected, batch, projection)
        self.per_partition.add(projected.columns, projection.levels)
        self.nulls.update(projected.nulls)
        self.empty_rows += projected.empty_rows
        for each in projected.documents:
            self.documents.setdefault(each.part, Documents()).add(each.there, each.bad, each.first)

    def _look(self, projected: Projected, batch: pa.RecordBatch, projection: Projection) -> None:
        """Take samples for the columns of which nothing was found so far: of the first records of some partitions."""
        self.found.update(projected.found)
        absent = projection.paths.keys() - self.found
        if not absent or not batch.num_rows:
            return
        partition = batch.column("partition")[0].as_py()
        if self._looked_at[partition] >= RECORDS or self._looked_at.total() >= _MOST_RECORDS:
            return
        self._looked_at[partition] += min(batch.num_rows, RECORDS)
        self._keep(projection.sample(sorted(absent), batch))

    def _keep(self, samples: Mapping[str, Sample]) -> None:
        for column, sample in samples.items():
            self.samples[column] = self.samples.get(column, NOTHING).plus(sample)

    def merge(self, share: Content) -> None:
        """Take over what another process has counted."""
        self.found |= share.found
        self._keep(share.samples)
        self.per_partition.merge(share.per_partition)
        self.nulls.update(share.nulls)
        self.empty_rows += share.empty_rows
        for part, each in share.documents.items():
            self.documents.setdefault(part, Documents()).add(each.there, each.bad, each.first)
