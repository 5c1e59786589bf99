"""A MaxCompute table in memory, and one of rejects: uploads, statements under a name, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import pyarrow as pa

from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    BlocksDiffer,
    CommitRejected,
    InvalidInput,
    TableRefused,
    Unreachable,
    UploadFailed,
)

T = TypeVar("T")
Row: TypeAlias = tuple[int, int, str]
OLD_ROW: Row = (-1, -1, "was there before")
_MOST_BLOCKS = 20_000


def _nothing() -> None:
    """Leave the world as it is."""


@dataclass
class Session:
    """One upload session of the service."""

    overwrite: bool
    blocks: dict[int, list[Row]] = field(default_factory=dict)
    status: UploadStatus = UploadStatus.NORMAL
    rejects: bool = False
    """Whether it is one of rejects."""
    staged: str | None = None
    """The place in the staging table, if it is one of that."""


@dataclass
class Statement:
    """An INSERT OVERWRITE … SELECT: it reads when it starts, and replaces the table when it ends."""

    selected: list[Row]
    ended: bool = False
    failure: str | None = None


@dataclass
class MaxCompute:
    """A table whose first two columns are partition and offset, and a table of rejects."""

    table: list[Row] = field(default_factory=lambda: [OLD_ROW])
    changes: int = 0
    """How often rows were written to it, by whomever."""
    changed: dict[str, int] = field(default_factory=dict)
    """Value → the number of the last change of the partition that it names."""
    sessions: dict[str, Session] = field(default_factory=dict)
    rejects: list[Row] = field(default_factory=list)
    """Those that are visible: partition, offset and column."""
    reject_sessions: dict[str, Session] = field(default_factory=dict)
    commit_faults: list[str] = field(default_factory=list)
    """What becomes of the next commits: `refused`; or no answer comes: `lost`, `throttled`, `closing`, `gone`,
    `applied and lost`, `applied and gone`."""
    reject_faults: list[str] = field(default_factory=list)
    """The same for the next commits of rejects."""
    closing: int = 0
    """How often a session that is closing still says so."""
    statements: dict[str, Statement] = field(default_factory=dict)
    """By their names: what is started under a name that is there runs once."""
    statements_fail: str | None = None
    """Why statements fail that start from now on."""
    staged: dict[str, list[Row]] = field(default_factory=dict)
    """Place in the staging table → the rows that wait there."""

    def effect(self, name: str, apply: Callable[[], T]) -> T:
        """Let something happen."""
        del name
        return apply()

    def visible(self, session: Session) -> None:
        """Make the rows of a session visible, as its commit does."""
        table = self.rejects if session.rejects else self.table
        if session.staged is not None:
            table = self.staged.setdefault(session.staged, [])
        if session.overwrite:
            table.clear()
        table += [row for _, block in sorted(session.blocks.items()) for row in block]
        if not session.rejects and session.staged is None:
            self.note(table)
        session.status = UploadStatus.CLOSED

    def add(self, rows: Iterable[Row]) -> None:
        """Make rows visible beside those that are there, as an INSERT INTO does."""
        added = list(rows)
        self.table += added
        self.note(added)

    def note(self, rows: Iterable[Row]) -> None:
        """Note that rows of some partitions were written, or removed."""
        self.changes += 1
        self.changed |= {row[2]: self.changes for row in rows}

    def put(self, rows: Sequence[Row]) -> None:
        """Make rows visible in place of those of their partitions, as an INSERT OVERWRITE does: a value names one."""
        places = {value for *_, value in rows}
        self.table[:] = [*(row for row in self.table if row[2] not in places), *rows]
        if rows:
            self.note(rows)

    def expire(self, sessions: Iterable[Session]) -> None:
        """Let sessions expire; a commit that is under way comes to its end first."""
        for session in sessions:
            if session.status is UploadStatus.CLOSING:
                self.visible(session)
            session.status = UploadStatus.GONE

    def end(self, statement: Statement) -> str | None:
        """Let a statement that may still run come to its end; return why it failed."""
        if not statement.ended and statement.failure is None:
            before, self.table[:] = [*self.table], statement.selected
            self.note(row for row in before if row not in statement.selected)
        statement.ended = True
        return statement.failure


@dataclass
class Upload:
    """A handle on one session."""

    world: MaxCompute
    id: str
    opened: bool = field(default=False, kw_only=True)
    """Whether this handle has opened it: an attached one has to ask for its columns before it writes."""

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        # Once, as its rows come: they may be read for it.
        with sending.slot():
            taken = list(batches)
            rows = self._rows(taken)
            self.world.effect(self._named(number), lambda: self._write(number, rows))
        return sum(batch.nbytes for batch in taken)

    def commit(self, blocks: int) -> None:
        self.world.effect("commit", lambda: self._commit(blocks, self.world.commit_faults))

    def status(self) -> UploadStatus:
        return self.world.effect("ask for the status", self._ask)

    def _named(self, number: int) -> str:
        return f"write block {number}"

    def _rows(self, batches: Sequence[pa.RecordBatch]) -> list[Row]:
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    def _write(self, number: int, rows: list[Row]) -> None:
        if not 0 <= number < _MOST_BLOCKS:
            raise InvalidInput(f"block {number}: one upload takes {_MOST_BLOCKS} blocks")
        if not self._known and not self.opened:
            raise TableRefused(f"upload {self.id}: NoSuchUpload")
        if self._session.status is not UploadStatus.NORMAL:
            raise UploadFailed(f"block {number} of upload {self.id}: {self._why_not()}")
        self._session.blocks[number] = rows

    def _commit(self, blocks: int, faults: list[str]) -> None:
        session = self._session
        if not self._known:
            raise CommitRejected(f"the commit of upload {self.id} is refused: {self._why_not()}")
        if sorted(session.blocks) != list(range(blocks)):
            why = f"it holds the blocks {sorted(session.blocks)}"
            raise BlocksDiffer(f"upload {self.id} should hold blocks [0, {blocks}), but {why}; it was not committed")
        fault = faults.pop(0) if faults else ""
        if session.status is not UploadStatus.NORMAL:
            raise CommitRejected(f"the commit of upload {self.id} is refused: {self._why_not()}")
        if fault in ("", "applied and lost", "applied and gone"):
            self.world.visible(session)
        if fault == "closing":
            session.status = UploadStatus.CLOSING
        if fault.endswith("gone"):
            session.status = UploadStatus.GONE
        if fault == "refused":
            raise CommitRejected(f"the commit of upload {self.id} is refused: NoPermission")
        if fault:
            raise Unreachable("no answer in 5 s")

    def _ask(self) -> UploadStatus:
        session = self._session
        if session.status is UploadStatus.CLOSING:
            if not self.world.closing:
                self.world.visible(session)
            self.world.closing -= 1
        return session.status

    def _why_not(self) -> str:
        return f"StatusConflict: it is {self._session.status}" if self._known else "NoSuchUpload"

    @property
    def _sessions(self) -> dict[str, Session]:
        return self.world.sessions

    @property
    def _known(self) -> bool:
        return self.id in self._sessions

    @property
    def _session(self) -> Session:
        return self._sessions.get(self.id) or Session(overwrite=False, status=UploadStatus.GONE)


@dataclass
class RejectUpload(Upload):
    """A handle on one session of rejects."""

    def commit(self, blocks: int) -> None:
        self.world.effect("publish", lambda: self._commit(blocks, self.world.reject_faults))

    def status(self) -> UploadStatus:
        return self.world.effect("ask for the rejects", self._ask)

    def _named(self, number: int) -> str:
        del number
        return "write rejects"

    def _rows(self, batches: Sequence[pa.RecordBatch]) -> list[Row]:
        names = ("kafka_partition", "kafka_offset", "column_name")
        return [(row[names[0]], row[names[1]], row[names[2]]) for batch in batches for row in batch.to_pylist()]

    @property
    def _sessions(self) -> dict[str, Session]:
        return self.world.reject_sessions


@dataclass
class RejectSink:
    """The place for rejects."""

    world: MaxCompute
    place: str = "shop.rejects"

    def open_upload(self) -> Upload:
        upload_id = f"r{len(self.world.reject_sessions) + 1}"
        self.world.reject_sessions[upload_id] = Session(overwrite=True, rejects=True)
        return RejectUpload(self.world, upload_id, opened=True)

    def attach_upload(self, upload_id: str) -> Upload:
        return RejectUpload(self.world, upload_id)

    def stale(self) -> bool:
        return bool(self.world.reject_sessions)


@dataclass
class Sink:
    """The table."""

    world: MaxCompute
    overwrite: bool
    staged: str | None = None
    """The place in the staging table, where rows are staged."""

    def ensure(self) -> None:
        self.world.effect("ensure", _nothing)

    def open_upload(self) -> Upload:
        return Upload(self.world, self.world.effect("open", self._open), opened=True)

    def attach_upload(self, upload_id: str) -> Upload:
        self.world.effect("attach", _nothing)
        return Upload(self.world, upload_id)

    def _open(self) -> str:
        upload_id = f"u{len(self.world.sessions) + 1}"
        self.world.sessions[upload_id] = Session(self.overwrite, staged=self.staged)
        return upload_id
