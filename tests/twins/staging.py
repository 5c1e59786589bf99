"""The staging table in memory, and statements that move what is staged there into the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from twins.maxcompute import MaxCompute, Row, Upload
from twins.table_rows import Rows

from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import FindRowsIn, ShowFilled
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns, WindowRows
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.exceptions import StatementFailed


@dataclass
class Merge:
    """An INSERT … SELECT: it reads when it starts, and shows its rows when it ends."""

    selected: list[Row]
    overwrite: bool
    fault: str = ""
    """``fails``, ``conflicts``, ``leaves a part``, ``applied and forgotten``, ``forgotten``, ``runs`` for one look."""
    end: StatementEnd | None = None


@dataclass
class MergeWorld:
    """The statements of a world, by their names."""

    merges: dict[str, Merge] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What becomes of the next statements; ``refused``: it is not even taken."""
    emptied: dict[str, StatementEnd] = field(default_factory=dict)
    """How those ended that have emptied partitions."""


@dataclass
class TwinStagedRows:
    """What waits in the staging table."""

    world: MaxCompute

    def attach_upload(self, staged: Staged, upload_id: str) -> Upload:
        del staged
        self.world.effect("attach", lambda: None)
        return Upload(self.world, upload_id)

    def size(self, staged: Staged) -> int | None:
        return self.world.effect("look at the staged", lambda: self._size(str(staged)))

    def drop(self, staged: Staged) -> None:
        self.world.effect("drop the staged", lambda: self.world.staged.pop(str(staged), None))

    def _size(self, place: str) -> int | None:
        return 10 * len(self.world.staged[place]) if place in self.world.staged else None


@dataclass
class TwinMerges:
    """Statements that move what is staged."""

    world: MaxCompute
    statements: MergeWorld
    overwrite: bool

    def start(self, staged: Staged, name: str) -> str:
        return self.world.effect("start merge", lambda: self._start(str(staged), name))

    def end(self, statement_id: str, seconds: float) -> StatementEnd:
        del seconds
        return self.world.effect("await merge", lambda: self._end(statement_id))

    def empty(self, places: Sequence[PartitionSpec], name: str) -> StatementEnd:
        return self.world.effect("empty", lambda: self._empty(values_of(places), name))

    def _empty(self, places: frozenset[str], name: str) -> StatementEnd:
        if name not in self.statements.emptied:
            self.statements.emptied[name] = StatementEnd(Fate.SUCCEEDED)
            if self.world.statements_fail:
                self.statements.emptied[name] = StatementEnd(Fate.FAILED, self.world.statements_fail)
            else:
                self._remove(places)
        return self.statements.emptied[name]

    def _remove(self, places: frozenset[str]) -> None:
        self.world.note([row for row in self.world.table if row[2] in places])
        self.world.table[:] = [row for row in self.world.table if row[2] not in places]

    def _start(self, place: str, name: str) -> str:
        if name not in self.statements.merges:
            fault = self.statements.faults.pop(0) if self.statements.faults else ""
            if fault == "refused":
                raise StatementFailed("ODPS-0130013: no privilege")
            self.statements.merges[name] = Merge(list(self.world.staged.get(place, [])), self.overwrite, fault)
        return name

    def _end(self, statement_id: str) -> StatementEnd:
        if statement_id not in self.statements.merges:
            return StatementEnd(Fate.FORGOTTEN, "NoSuchObject")
        merge = self.statements.merges[statement_id]
        if merge.fault == "runs":
            merge.fault = ""
            return StatementEnd(Fate.RUNNING, "it still runs")
        return finish(self.world, merge)


def find_in(world: MaxCompute, *, by_rows: bool) -> FindRowsIn:
    """Return what finds the rows of a window in partitions: by the columns of a receipt, or of today if ``by_rows``."""

    def find(columns: tuple[str, ...] | None, places: Sequence[PartitionSpec]) -> WindowRows:
        there = by_rows if columns is None else columns
        return Rows(world, values_of(places)) if there else NoOffsetColumns()

    return find


def values_of(places: Sequence[PartitionSpec]) -> frozenset[str]:
    """Return what rows of some partitions have as their values, which name them."""
    return frozenset(value for place in places for _, value in place.levels)


def show_filled(world: MaxCompute) -> ShowFilled:
    """Return what tells which of some partitions have rows: a row's value names its own."""

    def filled(places: Sequence[PartitionSpec]) -> Sequence[PartitionSpec]:
        there = {row[2] for row in world.table}
        return [place for place in places if place.levels[0][1] in there]

    return lambda places: world.effect("look", lambda: filled(places))


def finish(world: MaxCompute, merge: Merge) -> StatementEnd:
    """Let a statement come to its end; return how."""
    if merge.end is None:
        rows: list[Row] = [row[:3] for row in merge.selected]
        if merge.fault == "leaves a part":
            rows = rows[:1]
        if merge.fault not in ("fails", "conflicts", "forgotten"):
            (world.put if merge.overwrite else world.add)(rows)
        merge.end = _ENDS.get(merge.fault, StatementEnd(Fate.SUCCEEDED))
    return merge.end


_ENDS = {
    "fails": StatementEnd(Fate.FAILED, "ODPS-0010000: a worker was lost"),
    "leaves a part": StatementEnd(Fate.FAILED, "ODPS-0010000: a worker was lost"),
    "conflicts": StatementEnd(Fate.CONFLICTED, "ODPS-0110999: MetaTransactionAborted"),
    "forgotten": StatementEnd(Fate.FORGOTTEN, "NoSuchObject"),
    "applied and forgotten": StatementEnd(Fate.FORGOTTEN, "NoSuchObject"),
}
