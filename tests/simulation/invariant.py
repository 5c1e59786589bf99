"""The promise: each record of the recorded window once and nothing else, or none and the task says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulation.steps import Case
from simulation.world import SimulatedWorld
from twins.maxcompute import OLD_ROW, Row

from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    CommitUnknown,
    KafkaOdpsError,
    OffsetsExpired,
    StatementFailed,
    TopicReplaced,
)


class BrokenPromise(AssertionError):
    """A counter-example was found."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What has to hold in every moment of a history, after every attempt, and at its end."""

    case: Case
    world: SimulatedWorld

    def check_table(self) -> None:
        """Hold that the table has all of the window or none of it, and nothing else, as at every moment.

        Where it has all, its rejects are visible, too; they are replaced just before rows that are overwritten.
        """
        world = self.world
        version = self._version()
        if version is None:
            if world.table != [OLD_ROW]:
                raise BrokenPromise(f"the table has {world.table}, the recorded window {world.window_rows()}")
            return
        committed = world.journal is not None and world.journal["phase"] == Phase.COMMITTED
        settled = committed or (self.case.mode is Mode.APPEND and world.table != [OLD_ROW])
        if settled and world.rejects != version[1]:
            raise BrokenPromise(f"rows are visible with the rejects {world.rejects}, not with {version[1]}")

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
        match ended:
            case Receipt():
                self._check_success(ended)
            case KafkaOdpsError() if not ended.retry_helps:
                allowed = _ALLOWED.get(type(ended))
                if allowed is None or not allowed(self, clear_number):
                    raise BrokenPromise(f"the task failed for no good reason: {type(ended).__name__}: {ended}")
            case _:
                raise BrokenPromise(f"without any fault left the task did not end: {ended!r}")

    def _check_success(self, receipt: Receipt) -> None:
        version = self._version()
        if version is None:
            versions = self.world.versions()
            raise BrokenPromise(f"success is claimed, but the table has {self.world.table}, not one of {versions}")
        counted = receipt.rows, sum(counts.rejects for counts in receipt.partitions.values())
        if counted != tuple(map(len, version)):
            raise BrokenPromise(f"the receipt says {counted} rows and rejects, not {version}")
        journal = self.world.journal
        if journal is None or journal["phase"] != Phase.COMMITTED:
            raise BrokenPromise(f"success is claimed, but the journal does not know it: {journal}")

    def _version(self) -> tuple[list[Row], list[Row]] | None:
        """Return the rows and rejects of which the table has the rows; None: of none."""
        # Blocks become visible in their order, and a removal keeps the order of what is left.
        old = [] if self.case.mode is Mode.OVERWRITE else [OLD_ROW]
        return next((each for each in self.world.versions() if self.world.table == old + each[0]), None)

    def _has_all(self) -> bool:
        return self._version() is not None

    def expired(self, _: int) -> bool:
        """Tell whether records of the window are gone from the log; rows that were loaded before may be there."""
        rows = self.world.window_rows()
        return not rows or rows[0][1] < self.world.low

    def replaced(self, _: int) -> bool:
        """Tell whether the topic is another one now."""
        return self.world.topic_id != "id-1"

    def unknown(self, _: int) -> bool:
        """Tell whether nobody can say what became of a commit: the session is gone, and rows cannot be found."""
        journal = self.world.journal
        return (
            self.case.mode is Mode.APPEND
            and not self.case.with_rows
            and journal is not None
            and journal["phase"] == Phase.COMMITTING
            and self.world.sessions[journal["upload_id"]].status is UploadStatus.GONE
        )

    def cleared_after_the_load(self, clear_number: int) -> bool:
        """Tell whether a user who wants no second load has cleared a task whose rows are there."""
        return self.case.on_rerun is OnRerun.FAIL and clear_number > self.world.fenced_by and self._has_all()

    def removal_failed(self, _: int) -> bool:
        """Tell whether the service refused a statement, and left the rows."""
        failed = any(statement.failure for statement in self.world.statements.values())
        return failed and self._has_all()


_ALLOWED: dict[type[BaseException], Callable[[Promise, int], bool]] = {
    AlreadyLoaded: Promise.cleared_after_the_load,
    CommitUnknown: Promise.unknown,
    OffsetsExpired: Promise.expired,
    StatementFailed: Promise.removal_failed,
    TopicReplaced: Promise.replaced,
}
