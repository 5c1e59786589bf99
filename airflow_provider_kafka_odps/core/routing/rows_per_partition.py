"""How many rows go into each partition: counted while they are made, and held against what is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.options import MOST_PARTITIONS
from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.exceptions import RecordsRejected

_MOST_COUNTED = 10_000
"""Different values after which counting ends: what has more is no load that anybody wants."""


_SHOWN = 10


class RowsPerPartition:
    """The running count of a window, or of a share of it; it can be sent to another process, and merged there."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[object, ...]] = Counter()

    def add(self, rows: pa.RecordBatch, levels: Sequence[str]) -> None:
        """Count rows by the values that they have in these columns.

        Raises RecordsRejected where there are more different ones than any load may have.
        """
        if not levels or not rows.num_rows:
            return
        if len(levels) == 1:
            counted = pc.value_counts(rows.column(levels[0]))
            values, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
            self._rows.update({(value,): count for value, count in zip(values, counts, strict=True)})
        else:
            table = pa.table([rows.column(level) for level in levels], names=list(levels))
            found = table.group_by(list(levels), use_threads=False).aggregate([([], "count_all")]).to_pydict()
            keys = zip(*(found[level] for level in levels), strict=True)
            self._rows.update(dict(zip(keys, found["count_all"], strict=True)))
        if len(self._rows) > _MOST_COUNTED:
            raise RecordsRejected(_refusal(self._named(levels), "a load can have", MOST_PARTITIONS))

    def merge(self, other: RowsPerPartition) -> None:
        """Take over what another process, or another block, has counted."""
        self._rows.update(other._rows)

    def of(self, routes: Routes, most: int) -> Mapping[PartitionSpec, int]:
        """Return how many rows each partition gets, in the order of their names.

        Raises RecordsRejected for more than ``most`` partitions.
        """
        if len(self._rows) > most:
            named = {str(routes.partition(values)): count for values, count in self._rows.items()}
            raise RecordsRejected(_refusal(named, f"max_partitions={most} allows", most))
        found = {routes.partition(values): count for values, count in self._rows.items()}
        return dict(sorted(found.items(), key=lambda each: each[0].levels))

    def _named(self, levels: Sequence[str]) -> dict[str, int]:
        return {
            ",".join(f"{level}={value}" for level, value in zip(levels, values, strict=True)): count
            for values, count in self._rows.items()
        }


def _refusal(rows: Mapping[str, int], allowed: str, most: int) -> str:
    ordered = sorted(rows.items(), key=lambda each: (each[1], each[0]))
    rarest, commonest = ordered[:_SHOWN], ordered[::-1][:_SHOWN]
    return (
        f"the rows of this window belong to {len(rows)} partitions or more, and {allowed} {most}. Nothing is visible. "
        f"The rarest: {_listed(rarest)}. The commonest: {_listed(commonest)}. Years such as 1970 come from a time in "
        "another unit than partition_by says (epoch_s, epoch_ms, epoch_us). If all of them are right, raise "
        f"max_partitions, up to {MOST_PARTITIONS}, or load smaller windows"
    )


def _listed(some: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in some)
