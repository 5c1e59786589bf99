"""The rows of the table in memory, found by the columns that hold partition and offset of their records."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from twins.maxcompute import MaxCompute, Row, Statement

from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window


@dataclass
class Rows:
    """The table's rows, found by partition and offset."""

    world: MaxCompute
    values: Collection[str] | None = None
    """What the rows of some partitions have as values, where these name them; None: all rows are looked at."""

    def count(self, window: Window) -> FoundRows:
        return self.world.effect("count", lambda: self._count(window))

    def start_removal(self, window: Window, name: str) -> str:
        return self.world.effect("start removal", lambda: self._start(window, name))

    def await_removal(self, statement_id: str) -> str | None:
        return self.world.effect("await removal", lambda: self._await(statement_id))

    def _count(self, window: Window) -> FoundRows:
        places = [row[:2] for row in self._of(window)]
        return FoundRows(len(places), len(set(places)))

    def _of(self, window: Window) -> list[Row]:
        found = [row for each in window.ranges for row in _rows_in(self.world, each)]
        return [row for row in found if self.values is None or row[2] in self.values]

    def _start(self, window: Window, name: str) -> str:
        removed = self._of(window)
        kept = [row for row in self.world.table if row not in removed]
        statement = Statement(kept, failure=self.world.statements_fail)
        self.world.statements.setdefault(name, statement)
        return name

    def _await(self, statement_id: str) -> str | None:
        if statement_id not in self.world.statements:
            # Forgotten: it has ended long ago.
            return "NoSuchObject"
        return self.world.end(self.world.statements[statement_id])


@dataclass
class Shown:
    """What everybody can see of the table."""

    world: MaxCompute
    values: Collection[str] | None = None
    """What the rows of some partitions have as values, where these name them; None: all rows are looked at."""

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets]:
        return self.world.effect("look", lambda: self._offsets(window))

    def rows(self) -> int:
        return self.world.effect("look", lambda: len([row for row in self.world.table if self._shows(row)]))

    def last_change(self) -> str:
        if self.values is None:
            return f"change {self.world.changes}"
        there = len([row for row in self.world.table if self._shows(row)])
        return f"change {max((self.world.changed.get(each, 0) for each in self.values), default=0)}, {there} rows"

    def _shows(self, row: Row) -> bool:
        return self.values is None or row[2] in self.values

    def _offsets(self, window: Window) -> dict[TopicPartition, FoundOffsets]:
        found = {}
        for each in window.ranges:
            offsets = [row[1] for row in _rows_in(self.world, each)]
            if offsets:
                found[each.topic_partition] = FoundOffsets(len(offsets), len(set(offsets)), min(offsets), max(offsets))
        return found


def _rows_in(world: MaxCompute, offsets: OffsetRange) -> list[Row]:
    inside = range(offsets.start, offsets.end)
    return [row for row in world.table if row[0] == offsets.partition and row[1] in inside]
