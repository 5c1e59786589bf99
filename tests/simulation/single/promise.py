"""The promise: each record of the recorded window once and nothing else, or none and the task says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.examples import offsets_in
from simulation.outside.filters import Keep, keeps
from simulation.outside.world import NOWHERE, SimulatedWorld, Spot, spot_of
from simulation.single.cases import Case, Columns, Where
from twins.maxcompute import OLD_ROW

from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    CommitUnknown,
    FewerRows,
    KafkaOdpsError,
    LogTooShort,
    LogTruncated,
    NewerRows,
    NotReconciled,
    OffsetsExpired,
    RowsDiffer,
    StatementFailed,
    TopicReplaced,
    UnexplainedGap,
    WindowRefused,
)


class BrokenPromise(AssertionError):
    """A counter-example was found."""


def spots_in(world: SimulatedWorld) -> set[Spot]:
    """Return where the rows of the table came from, each from somewhere else."""
    spots: set[Spot] = set()
    for partition, offset, value in world.rows():
        spot = spot_of(value)
        if spot in spots:
            raise BrokenPromise(f"{spot} is in the table twice: {world.table}")
        if (partition, offset) not in {spot[1:], (NOWHERE, NOWHERE)}:
            raise BrokenPromise(f"the row {value} has the place {partition}:{offset}")
        spots.add(spot)
    return spots


def owed(world: SimulatedWorld, window: Window) -> Iterator[Spot]:
    """Yield the records of which every load of the window has a row, whatever was lost since."""
    for each in window.ranges:
        for offset in world.topic.owed(window.topic_id, each.partition, each.start, each.end):
            yield Spot(window.topic_id, each.partition, offset)


@dataclass(frozen=True, slots=True)
class Promise:
    """What has to hold in every moment of a history of one run, after every attempt, and at its end."""

    case: Case
    world: SimulatedWorld
    run: str = "a"

    @property
    def window(self) -> Window | None:
        """The window that is recorded."""
        recorded = self.world.windows.get(self.run)
        return recorded[-1] if recorded else None

    def check_table(self) -> None:
        """Hold that the table has all of the window or none of it, and nothing else, as at every moment.

        Where it has all, its rejects are visible, too; they are replaced just before rows that are overwritten.
        """
        world, window = self.world, self.window
        spots = spots_in(world)
        overwritten = OLD_ROW not in world.table
        if self.case.mode is Mode.APPEND and overwritten:
            raise BrokenPromise(f"a row of others is gone: {world.table}")
        if window is None or (not spots and not overwritten):
            if spots or overwritten:
                raise BrokenPromise(f"the table has {world.table}, and no window is recorded")
            return
        if overwritten and len(spots) != len(world.table):
            raise BrokenPromise(f"the table has rows that were to be overwritten: {world.table}")
        for spot in spots:
            if spot.topic_id != window.topic_id or spot.offset not in range(*offsets_in(window)[spot.partition]):
                raise BrokenPromise(f"{spot} is in the table, and not in the recorded window {window.ranges}")
        if differs := self.differs(None):
            raise BrokenPromise(differs)
        self._check_records()
        self._check_tries(spots, window)

    def _check_records(self) -> None:
        """Hold that no record has come in the place of one that was planned, unless loss may be skipped."""
        if self.case.on_data_loss is OnDataLoss.SKIP:
            return
        planned = self.world.planned
        if others := [value for *_, value in self.world.rows() if planned.get(spot_of(value), value) != value]:
            raise BrokenPromise(f"{others} came in the place of what was planned: {self.world.table}")

    def owed(self) -> Iterator[Spot]:
        """Yield the records of which every load of the recorded window has a row, whatever was lost since."""
        return iter(()) if self.window is None else owed(self.world, self.window)

    def differs(self, upload_id: str | None) -> str:
        """Say what the rows are not that the filter of an upload wants; of any attempt's one, if none is named."""
        named = self.world.wanted.get(upload_id or "")
        found = [self._differs(keep) for keep in ([Keep(named)] if named else self.case.where.keeps)]
        return min(found, key=len)

    def _differs(self, keep: Keep) -> str:
        spots = spots_in(self.world)
        lacking = [spot for spot in self.owed() if keeps(keep, spot) and spot not in spots and not self.excused(spot)]
        unwanted = [spot for spot in spots if not keeps(keep, spot)]
        return (
            f"{keep}: the table lacks {lacking} and has {unwanted}: {self.world.table}" if lacking or unwanted else ""
        )

    def excused(self, spot: Spot) -> bool:
        """Tell whether a record may have no row all the same."""
        lost = self.case.on_data_loss is OnDataLoss.SKIP and self.world.topic.lost(*spot)
        return lost or (spot.offset == 0 and self.case.rejected is not None)

    def _check_tries(self, spots: set[Spot], window: Window) -> None:
        journal = self.world.journals.get(self.run)
        committed = journal is not None and journal["phase"] == Phase.COMMITTED
        if (
            self.case.rejected is None
            or self.world.lied
            or not (committed or (self.case.mode is Mode.APPEND and spots))
        ):
            return
        first = Spot(window.topic_id, 0, 0)
        read = 0 in range(*offsets_in(window)[0]) and not (self._lost(first) and not self.world.rejects)
        expected = [(0, 0, self.case.rejected)] if read and first not in spots else []
        if self.world.rejects != expected:
            raise BrokenPromise(f"rows are visible with the rejects {self.world.rejects}, not with {expected}")

    def _lost(self, spot: Spot) -> bool:
        return self.case.on_data_loss is OnDataLoss.SKIP and self.world.topic.lost(*spot)

    def check_attempt(self, ended: Receipt | BaseException | None, clear_number: int) -> None:
        """Hold that an attempt of which Airflow hears did not claim what is not so, and did what a clear asks for."""
        if not isinstance(ended, Receipt):
            return
        self._check_success(ended)
        kept = self.case.mode is Mode.APPEND and self.case.on_rerun is OnRerun.KEEP
        if not kept and self.world.fenced_by != clear_number:
            raise BrokenPromise(f"success without what on_rerun={self.case.on_rerun} says of rows that were there")

    def check_end(self, ended: Receipt | BaseException | None, clear_number: int) -> None:
        """Hold that the task ended well with the whole window, or for a reason that the design names."""
        self.check_table()
        match ended:
            case Receipt():
                self._check_success(ended)
            case KafkaOdpsError() if not ended.retry_helps:
                allowed = _ALLOWED.get(type(ended))
                if allowed is None or not allowed(self, clear_number):
                    raise BrokenPromise(f"the task failed for no good reason: {type(ended).__name__}: {ended}")
            case _:
                raise BrokenPromise(f"without any fault left the task did not end: {ended!r}")
        gone = {spot for spot in self.world.loaded - spots_in(self.world) if self._still_wanted(spot)}
        # That the service lies was said, and is all that can be done about it.
        if gone and not (self.world.lied and isinstance(ended, NotReconciled | RowsDiffer)):
            raise BrokenPromise(f"rows were loaded, and are not there any more: {sorted(gone)}")

    def _check_success(self, receipt: Receipt) -> None:
        world = self.world
        window, rows = receipt.window, len(world.rows())
        journal = world.journals.get(self.run)
        if journal is None or journal["phase"] != Phase.COMMITTED or window != self.window:
            raise BrokenPromise(f"success is claimed, but the journal does not know it: {journal}")
        if self.case.mode is Mode.OVERWRITE and OLD_ROW in world.table:
            raise BrokenPromise(f"success is claimed, but nothing was overwritten: {world.table}")
        if differs := self.differs(receipt.upload_id):
            raise BrokenPromise(f"success is claimed, but {differs}")
        if receipt.rows != rows:
            raise BrokenPromise(f"the receipt says {receipt.rows} rows: {world.table}")
        for each, counts in receipt.partitions.items():
            start, end = offsets_in(window)[each.partition]
            gaps = counts.control + counts.aborted + counts.compacted
            parts = counts.rows, counts.rejects, counts.filtered, counts.missing
            if counts.gaps != gaps or sum(parts) + gaps != end - start:
                raise BrokenPromise(f"offsets are not accounted for: {counts}")
            if counts.missing and self.case.on_data_loss is OnDataLoss.FAIL:
                raise BrokenPromise(f"records are missing, and nobody has allowed it: {counts}")
            if counts.rejects != len(world.rejects):
                raise BrokenPromise(f"the receipt says {counts.rejects} rejects: {world.rejects}")

    def _still_wanted(self, spot: Spot) -> bool:
        """Tell whether rows that were loaded since, by a filter that was edited, have to have this one, too."""
        journal = self.world.journals.get(self.run, {})
        return keeps(Keep(self.world.wanted.get(journal.get("upload_id", ""), Keep.ALL)), spot)

    def lost(self, _: int) -> bool:
        """Tell whether the log lacks something of the window; rows that were loaded before may be there."""
        window = self.window
        if window is None or window.topic_id != self.world.topic.now.id:
            # Who reads has not asked for the topic's id before each answer.
            return window is not None
        return any(
            start < end and (start < log.low or end > log.high or log.cuts)
            for number, (start, end) in offsets_in(window).items()
            for log in [self.world.topic.logs[number]]
        )

    def unexplained(self, _: int) -> bool:
        """Tell whether offsets of the window have no record, and nothing says why."""
        window = self.window
        if self.replaced(0):
            # Who reads has not asked for the topic's id before each answer.
            return True
        return (
            window is not None
            and self.case.on_data_loss is OnDataLoss.FAIL
            and any(self.world.topic.lost(*spot) for spot in owed(self.world, window))
        )

    def replaced(self, _: int) -> bool:
        """Tell whether the topic is another one now."""
        return self.world.topic.now.id != "id-1"

    def unknown(self, _: int) -> bool:
        """Tell whether nobody can say what became of a commit: the session is gone, and rows cannot be found."""
        journal = self.world.journals.get(self.run)
        if journal is not None and journal["phase"] == Phase.MERGING:
            # A statement that is forgotten, or that had perhaps nothing to move, and rows that cannot be found.
            return self.case.columns is not Columns.ALWAYS
        if journal is None or journal["phase"] != Phase.COMMITTING or self.case.columns is Columns.ALWAYS:
            return False
        # Of an overwrite it is known that nobody has written since, not even itself.
        written = self.case.mode is Mode.APPEND or journal["last_change"] != f"change {self.world.changes}"
        return written and self.world.sessions[journal["upload_id"]].status is UploadStatus.GONE

    def covers(self, _: int) -> bool:
        """Tell whether nobody can say if a statement, or somebody else, has overwritten the partitions of a load."""
        journal = self.world.journals.get(self.run, {})
        by_rows = self.case.columns is Columns.ALWAYS and journal.get("replaces") is None
        in_doubt = journal.get("phase") == Phase.MERGING and not by_rows
        return self.case.routed and self.case.mode is Mode.OVERWRITE and (in_doubt or self.world.lied)

    def cleared_after_the_load(self, clear_number: int) -> bool:
        """Tell whether a user who wants no second load has cleared a task whose rows are there."""
        recorded = self.world.journals.get(self.run, {}).get("phase") == Phase.COMMITTED
        return self.case.on_rerun is OnRerun.FAIL and clear_number > self.world.fenced_by and recorded

    def removal_failed(self, _: int) -> bool:
        """Tell whether the service refused a statement, and left the rows."""
        failed = any(statement.failure for statement in self.world.statements.values())
        return failed and (self.world.lied or bool(spots_in(self.world)))

    def would_be_fewer(self, _: int) -> bool:
        """Tell whether rows that are there would be replaced by fewer: what is lost, or was compacted since."""
        counts = [sum(keeps(keep, spot) for spot in self.owed()) for keep in self.case.where.keeps]
        narrower = not all(counts) or counts[0] > counts[1]
        # A row of others in a partition of the interval, which would get none: what is no row may belong there.
        left_out = self.case.rejected is not None or self.case.where is not Where.EVERYWHERE
        others = self.case.routed and OLD_ROW in self.world.table and left_out
        fewer = self.case.compacted or self.case.on_data_loss is OnDataLoss.SKIP or narrower or others
        return bool(self.world.table) and fewer

    def not_to_be_found(self, _: int) -> bool:
        """Tell whether rows of a load were written without offset columns, or are not there although it was said."""
        return self.case.columns is not Columns.ALWAYS or self.world.lied

    def lied_to(self, _: int) -> bool:
        """Tell whether the service has confirmed a commit that it never made."""
        return self.world.lied


_ALLOWED: dict[type[BaseException], Callable[[Promise, int], bool]] = {
    AlreadyLoaded: Promise.cleared_after_the_load,
    CommitUnknown: Promise.unknown,
    FewerRows: Promise.would_be_fewer,
    LogTooShort: Promise.lost,
    LogTruncated: Promise.lost,
    NewerRows: Promise.covers,
    NotReconciled: Promise.lied_to,
    OffsetsExpired: Promise.lost,
    RowsDiffer: Promise.not_to_be_found,
    StatementFailed: Promise.removal_failed,
    TopicReplaced: Promise.replaced,
    UnexplainedGap: Promise.unexplained,
    WindowRefused: Promise.lost,
}
