"""The records of a batch that are loaded, that the filter leaves out, and of which it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.expressions import Source
from airflow_provider_kafka_odps.core.mapping.filters.filter import Filter
from airflow_provider_kafka_odps.core.mapping.reject import rejects_of
from airflow_provider_kafka_odps.core.mapping.strict import Converted
from airflow_provider_kafka_odps.core.options import OnUnclear

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.mapping.projection import Projected

_PLACE = "where"
"""What stands in the place of a column where the filter has rejected a record."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The rows of one batch that are loaded."""

    rows: npt.NDArray[np.bool_]
    unclear: Mapping[int, str]
    """Row → why it cannot be told, of those that become rejects."""

    @property
    def all(self) -> bool:
        """Whether no row is left out."""
        return bool(self.rows.all())

    def whole(self, projected: Projected, topic: str, batch: pa.RecordBatch) -> Projected:
        """Return what became of the whole batch, of what became of the rows that are loaded."""
        places = np.flatnonzero(self.rows)
        rejects = [replace(each, row=int(places[each.row])) for each in projected.rejects]
        unclear = rejects_of(topic, batch, {row: (_PLACE, why) for row, why in self.unclear.items()})
        return replace(
            projected,
            rejects=tuple(sorted([*rejects, *unclear], key=lambda each: each.offset)),
            filtered=len(self.rows) - len(places) - len(unclear),
        )


@dataclass(frozen=True, slots=True)
class Sorting:
    """A filter, and what becomes of records of which it cannot tell."""

    filter: Filter
    on_unclear: OnUnclear

    def sort(self, columns: Mapping[Source, Converted], rows: int) -> Kept:
        """Sort a batch of so many records, whose sources these are."""
        if not rows:
            return Kept(np.ones(0, bool), {})
        found = self.filter.sort(columns)
        return Kept(found.kept, found.unclear if self.on_unclear is OnUnclear.REJECT else {})
