"""A table held against its topic: offset by offset, in pieces that fit into memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.commands.loads.wanted import HeldLoad
from airflow_provider_kafka_odps.commands.planning.sample import parts_of
from airflow_provider_kafka_odps.commands.terminal import Shown
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.delivery.window_rows import WindowRowsSql
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.projecting import projected
from airflow_provider_kafka_odps.core.load.lanes.sampling import row_sizes
from airflow_provider_kafka_odps.core.load.lanes.stages import Read
from airflow_provider_kafka_odps.core.load.layout import lay_out
from airflow_provider_kafka_odps.core.routing.rows_per_partition import RowsPerPartition
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.table.schema import Column
from airflow_provider_kafka_odps.core.verification.differences import SHOWN, Differences, Rows
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.transfers.adapters.table import TableWindowRows

_OFFSETS, _BYTES = 500_000, 16 * 1024 * 1024
"""What one statement may return: so many rows, and so many bytes of values, about."""
_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class TopicVerifier:
    """Compares the rows of a load's window."""

    held: HeldLoad
    finder: WindowRowsSql
    facts: TopicFacts
    places: tuple[PartitionSpec, ...]
    """Partitions in which rows are looked for in any case, of a load whose records say the partition."""

    def offsets(self, window: Window, differences: Differences, *, values: bool, shown: Shown) -> None:
        """Compare all offsets of a window; with ``values`` also what stands beside them."""
        if not window.span:
            return
        columns = self._columns if values else self._levels
        pieces = lay_out(window, self._pieces(window, values=values), {})
        with self._open_reader() as read, shown("comparing", window.span) as advance:
            for piece in pieces:
                part = replace(window, ranges=piece.ranges)
                self._compare(read, part, differences, columns)
                advance(part.span)
        if not values:
            # Levels were compared, which is where a row is and not what is in it.
            for each in differences.partitions.values():
                each.compared = 0

    def sampled_values(self, window: Window, most: int, differences: Differences) -> None:
        """Compare the values of a few rows; the offsets were compared before, and do not count again."""
        if not window.span:
            return
        levels = {each.name for each in self._levels}
        columns = [each for each in self._columns if each.name not in levels]
        beside = Differences(window.ranges)
        with self._open_reader() as read:
            for part in parts_of(window, most):
                for piece in lay_out(part, -(-part.span // _OFFSETS), {}):
                    self._compare(read, replace(part, ranges=piece.ranges), beside, columns)
        for place, each in beside.partitions.items():
            differences.partitions[place].compared += each.compared
            differences.partitions[place].different += each.different
        differences.first = [*differences.first, *beside.first][:SHOWN]

    @property
    def _own(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.finder.found_by)

    @property
    def _columns(self) -> Sequence[Column]:
        """The columns that the load fills, without those that are compared as offsets."""
        mapped = {name.lower() for name in self.held.destination.columns}
        return [each for each in self._known if each.name.lower() in mapped and each.name.lower() not in self._own]

    @property
    def _levels(self) -> Sequence[Column]:
        """The levels that records say: whether a row is in its partition is looked at in any case."""
        return [each for each in self._known if each.name.lower() in self.held.destination.levels]

    @property
    def _known(self) -> Sequence[Column]:
        return self.held.destination.schema.columns

    def _pieces(self, window: Window, *, values: bool) -> int:
        # What is doubled is there twice: the answer to a statement is to fit all the same.
        rows: int = max(window.span, sum(each.rows for each in self._visible(window).values()))
        pieces = -(-rows // _OFFSETS)
        if not values:
            return pieces
        sizes = row_sizes(window, self._open_reader, self.held.load.projection)
        size = sum(each.span * sizes[each.partition] for each in window.ranges) * rows // window.span
        return max(pieces, -(-size // _BYTES))

    def _visible(self, window: Window) -> Mapping[TopicPartition, FoundOffsets]:
        if self._levels and not self.places:
            # Where to look is known of each piece once it was read.
            return {}
        return TableWindowRows(self.held.hooks.odps, self._in(self.places)).offsets(window)

    def _open_reader(self) -> AbstractContextManager[Read]:
        wanted = self.held.load.projection.wanted | {"timestamp"}
        return self.held.source.open_reader(wanted, self.facts)

    def _compare(self, read: Read, part: Window, differences: Differences, columns: Sequence[Column]) -> None:
        wanted, places = self._wanted(read, part, columns)
        found = self._found(part, columns, places)
        for offsets in part.ranges:
            place = offsets.topic_partition
            differences.compare(place, wanted[place.partition], found[place.partition], columns)

    def _wanted(
        self, read: Read, part: Window, columns: Sequence[Column]
    ) -> tuple[Mapping[int, Rows], tuple[PartitionSpec, ...]]:
        """Return the rows that the topic gives, and the partitions that they say."""
        ledger, places = Ledger(part), RowsPerPartition()
        projection, names = self.held.load.projection, [each.name for each in columns]
        rows: defaultdict[int, list[pa.RecordBatch]] = defaultdict(list)
        with closing(read(part, Evidence())) as batches:
            for batch in batches:
                for records, found in projected(projection, part.topic, batch):
                    ledger.add(records, rejects=len(found.rejects), filtered=found.filtered)
                    places.add(found.columns, projection.levels)
                    partition = batch.column("partition")[0].as_py()
                    rows[partition].append(found.columns.select([self._offset, *names]))
        load = self.held.load
        named = places.of(load.routing.routes, load.routing.max_partitions) if load.routing else {}
        whole = {number: pa.Table.from_batches(each) for number, each in rows.items()}
        tables = {number: _rows(table, self._offset, names) for number, table in whole.items()}
        return defaultdict(lambda: _no_rows(columns), tables), tuple(named)

    @property
    def _offset(self) -> str:
        return self.finder.offset_column.name

    def _found(self, part: Window, columns: Sequence[Column], places: tuple[PartitionSpec, ...]) -> Mapping[int, Rows]:
        """Return the rows that the table has."""
        from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

        where = tuple(dict.fromkeys((*self.places, *places)))
        if self.held.load.routing is not None and not where:
            return defaultdict(lambda: _no_rows(columns))
        statement = self._in(where).columns_statement(part, columns)
        answer = self.held.hooks.odps.run_sql(statement, hints_for(self.finder.table))
        return defaultdict(lambda: _no_rows(columns), _by_partition(answer, columns))

    def _in(self, places: tuple[PartitionSpec, ...]) -> WindowRowsSql:
        return replace(self.finder, places=places) if places else self.finder


def _by_partition(answer: pa.Table, columns: Sequence[Column]) -> Iterator[tuple[int, Rows]]:
    if not answer.num_rows:
        return
    numbers = answer.column("p").to_numpy()
    names = [f"c_{number}" for number in range(len(columns))]
    for number in np.unique(numbers).tolist():
        rows = answer.filter(pa.array(numbers == number))
        arrays = {column.name: rows.column(name) for column, name in zip(columns, names, strict=True)}
        yield number, Rows(rows.column("o").to_numpy(), arrays)


def _rows(table: pa.Table, offset: str, names: Sequence[str]) -> Rows:
    return Rows(table.column(offset).cast(pa.int64()).to_numpy(), {name: table.column(name) for name in names})


def _no_rows(columns: Sequence[Column]) -> Rows:
    return Rows(_NOTHING, {each.name: pa.nulls(0, each.type.arrow) for each in columns})
