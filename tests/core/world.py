"""A broker, a table, a journal and a clock in memory: the outside of a transfer, crashing where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

import pyarrow as pa
from core.examples import PLANNED_AT, history_of, offsets_in, target_of
from kit.asked import AskedBy

from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, TaskRun
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows, NoOffsetColumns
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Latest
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import CommitRejected, Unreachable, UploadFailed

SCHEMA = TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "string"}))
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
T = TypeVar("T")
Row = tuple[int, int, str]
OLD_ROW: Row = (-1, -1, "was there before")


def _nothing() -> None:
    """Leave the world as it is."""


class Crash(BaseException):
    """The process dies here: nothing of ours runs afterwards."""


@dataclass
class Session:
    """One upload session of the service."""

    overwrite: bool
    blocks: dict[int, list[Row]] = field(default_factory=dict)
    status: UploadStatus = UploadStatus.NORMAL
    rejects: bool = False
    """Whether it is one of rejects."""


@dataclass
class Statement:
    """An INSERT OVERWRITE … SELECT: it reads when it starts, and replaces the table when it ends."""

    selected: list[Row]
    ended: bool = False
    failure: str | None = None


@dataclass
class World:
    """All that survives an attempt."""

    log: dict[int, list[bytes | None]] = field(default_factory=lambda: {0: [b"a", b"b", b"c"], 1: [b"d"], 2: []})
    """Partition → the values of its offsets; None: no record is there, as after compaction."""
    topic_id: str = "id-1"
    table: list[Row] = field(default_factory=lambda: [OLD_ROW])
    sessions: dict[str, Session] = field(default_factory=dict)
    rejects: list[Row] = field(default_factory=list)
    """Those that are visible: partition, offset and column."""
    reject_sessions: dict[str, Session] = field(default_factory=dict)
    journal: dict[str, Any] | None = None
    effects: list[str] = field(default_factory=list)
    announced: list[Window] = field(default_factory=list)
    followed: list[Window] = field(default_factory=list)
    """Whose ends were committed to the group."""
    said: list[str] = field(default_factory=list)
    crash_before: int | None = None
    crash_after: int | None = None
    commit_faults: list[str] = field(default_factory=list)
    """What the next commits answer: `lost`, `applied and lost`, `refused`, `closing`, `gone`, `applied and gone`."""
    reject_faults: list[str] = field(default_factory=list)
    """The same for the next commits of rejects."""
    closing: int = 0
    """How often a session that is closing still says so."""
    fenced: bool = False
    """Whether the attempt that runs has been superseded."""
    seconds: float = 0.0
    policy: str = "delete"
    passed_over: list[PassedOver] = field(default_factory=list)
    """What the reader will have passed over."""
    statements: dict[str, Statement] = field(default_factory=dict)
    """By their names: what is started under a name that is there runs once."""
    cancelled: Callable[[], bool] = lambda: False
    before: Callable[[str], None] = lambda _: None
    """Called with the name of each effect before it happens."""
    after: Callable[[str], None] = lambda _: None

    def effect(self, name: str, apply: Callable[[], T]) -> T:
        """Let something happen to the world, unless the process dies before."""
        number = len(self.effects)
        self.before(name)
        if number == self.crash_before:
            raise Crash(f"before {name}")
        self.effects.append(name)
        returned = apply()
        self.after(name)
        if number == self.crash_after:
            raise Crash(f"after {name}")
        return returned

    def visible(self, session: Session) -> None:
        """Make the rows of a session visible, as its commit does."""
        table = self.rejects if session.rejects else self.table
        if session.overwrite:
            table.clear()
        table += [row for _, block in sorted(session.blocks.items()) for row in block]
        session.status = UploadStatus.CLOSED

    def end(self, statement: Statement) -> str | None:
        """Let a statement that may still run come to its end; return why it failed."""
        if not statement.ended and statement.failure is None:
            self.table[:] = statement.selected
        statement.ended = True
        return statement.failure

    def records(self) -> list[Row]:
        """Return a row for every record that is in the log now."""
        return [(p, o, value.decode()) for p, values in self.log.items() for o, value in enumerate(values) if value]


@dataclass
class Source:
    """The world's topic."""

    world: World

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        assert questions == Questions()
        partitions = {p: PartitionFacts(p, 0, len(values), len(values)) for p, values in self.world.log.items()}
        return self.world.effect("survey", lambda: TopicFacts(topic, self.world.topic_id, "cluster", partitions))

    def topic_id(self, topic: str) -> str:
        assert topic == "orders"
        return self.world.effect("ask for the topic's id", lambda: self.world.topic_id)

    def cleanup_policy(self, topic: str) -> str:
        assert topic == "orders"
        return self.world.effect("ask for the policy", lambda: self.world.policy)

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        assert {"partition", "offset", "value"} <= wanted
        for passed in self.world.passed_over:
            evidence.pass_over(passed)
        for offsets in window.ranges:
            for offset in range(offsets.start, offsets.end):
                value = self.world.log[offsets.partition][offset]
                if value is not None:
                    self.world.effect(f"read {offsets.partition}:{offset}", _nothing)
                    yield batch_of(offsets.partition, {offset: value})


class NoWorkers:
    """Workers of a world in which one process loads the window."""

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str]) -> NoReturn:
        raise AssertionError(f"nobody is to load {shares} of {wanted} into {upload_id}")


@dataclass
class Upload:
    """A handle on one session."""

    world: World
    id: str

    def write_block(self, number: int, batches: Sequence[pa.RecordBatch]) -> int:
        rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
        self.world.effect(f"write block {number}", lambda: self._session.blocks.__setitem__(number, rows))
        return sum(batch.nbytes for batch in batches)

    def commit(self, blocks: int) -> None:
        assert sorted(self._session.blocks) == list(range(blocks))
        self.world.effect("commit", lambda: self._commit(self.world.commit_faults))

    def _commit(self, faults: list[str]) -> None:
        fault = faults.pop(0) if faults else ""
        if self._session.status is not UploadStatus.NORMAL:
            raise CommitRejected(f"StatusConflict: {self._session.status}")
        if fault in ("", "applied and lost", "applied and gone"):
            self.world.visible(self._session)
        if fault == "closing":
            self._session.status = UploadStatus.CLOSING
        if fault.endswith("gone"):
            self._session.status = UploadStatus.GONE
        if fault == "refused":
            raise CommitRejected("FlowExceeded")
        if fault:
            raise Unreachable("no answer in 5 s")

    def status(self) -> UploadStatus:
        return self.world.effect("ask for the status", self._ask)

    def _ask(self) -> UploadStatus:
        if self._session.status is UploadStatus.CLOSING:
            if not self.world.closing:
                self.world.visible(self._session)
            self.world.closing -= 1
        return self._session.status

    @property
    def _session(self) -> Session:
        return self.world.sessions[self.id]


@dataclass
class RejectUpload(Upload):
    """A handle on one session of rejects."""

    def write_block(self, number: int, batches: Sequence[pa.RecordBatch]) -> int:
        rows = [
            (row["kafka_partition"], row["kafka_offset"], row["column_name"])
            for batch in batches
            for row in batch.to_pylist()
        ]
        self.world.effect("write rejects", lambda: self._write(number, rows))
        return len(rows)

    def _write(self, number: int, rows: list[Row]) -> None:
        if self._session.status is not UploadStatus.NORMAL:
            raise UploadFailed(f"upload {self.id} is {self._session.status}")
        self._session.blocks[number] = rows

    def commit(self, blocks: int) -> None:
        assert sorted(self._session.blocks) == list(range(blocks))
        self.world.effect("publish", lambda: self._commit(self.world.reject_faults))

    def status(self) -> UploadStatus:
        return self.world.effect("ask for the rejects", self._ask)

    @property
    def _session(self) -> Session:
        return self.world.reject_sessions[self.id]


@dataclass
class RejectSink:
    """The world's place for rejects."""

    world: World
    place: str = "shop.rejects"

    def open_upload(self) -> Upload:
        upload_id = f"r{len(self.world.reject_sessions) + 1}"
        self.world.reject_sessions[upload_id] = Session(overwrite=True, rejects=True)
        return RejectUpload(self.world, upload_id)

    def attach_upload(self, upload_id: str) -> Upload:
        return RejectUpload(self.world, upload_id)

    def stale(self) -> bool:
        return bool(self.world.reject_sessions)


@dataclass
class Sink:
    """The world's table."""

    world: World
    overwrite: bool

    def ensure(self) -> None:
        self.world.effect("ensure", _nothing)

    def open_upload(self) -> Upload:
        return Upload(self.world, self.world.effect("open", self._open))

    def attach_upload(self, upload_id: str) -> Upload:
        self.world.effect("attach", _nothing)
        return Upload(self.world, upload_id)

    def _open(self) -> str:
        upload_id = f"u{len(self.world.sessions) + 1}"
        self.world.sessions[upload_id] = Session(self.overwrite)
        return upload_id


@dataclass
class Rows:
    """The world's table, whose first two columns are partition and offset."""

    world: World

    def count(self, window: Window) -> FoundRows:
        return self.world.effect("count", lambda: self._count(window))

    def start_removal(self, window: Window, name: str) -> str:
        return self.world.effect("start removal", lambda: self._start(window, name))

    def await_removal(self, statement_id: str) -> str | None:
        return self.world.effect("await removal", lambda: self.world.end(self.world.statements[statement_id]))

    def _count(self, window: Window) -> FoundRows:
        places = [row[:2] for row in self._of(window)]
        return FoundRows(len(places), len(set(places)))

    def _of(self, window: Window) -> list[Row]:
        ranges = offsets_in(window)
        return [row for row in self.world.table if row[0] in ranges and row[1] in range(*ranges[row[0]])]

    def _start(self, window: Window, name: str) -> str:
        removed = self._of(window)
        statement = Statement([row for row in self.world.table if row not in removed])
        self.world.statements.setdefault(name, statement)
        return name


@dataclass
class Shown:
    """What everybody can see of the world's table, whose first two columns are partition and offset."""

    world: World

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets]:
        return self.world.effect("look", lambda: self._offsets(window))

    def rows(self) -> int:
        return self.world.effect("look", lambda: len(self.world.table))

    def _offsets(self, window: Window) -> dict[TopicPartition, FoundOffsets]:
        found = {}
        for each in window.ranges:
            offsets = sorted(o for p, o, _ in self.world.table if p == each.partition and each.start <= o < each.end)
            if offsets:
                ends = offsets[0], offsets[-1]
                found[each.topic_partition] = FoundOffsets(len(offsets), len(set(offsets)), *ends)
        return found


class Superseded(Exception):
    """The state store refuses an attempt that is not the current one."""


@dataclass
class Store:
    """The world's journal."""

    world: World

    def load(self) -> Mapping[str, Any] | None:
        return self.world.journal

    def begin(self) -> None:
        if self.world.fenced:
            raise Superseded("404")

    def save(self, entry: Mapping[str, Any]) -> None:
        self.begin()
        self.world.effect(f"save {entry['phase']}", lambda: setattr(self.world, "journal", dict(entry)))


@dataclass
class Clock:
    """A clock that goes forward when somebody sleeps."""

    world: World

    def now(self) -> datetime:
        return PLANNED_AT + timedelta(seconds=self.world.seconds)

    def monotonic(self) -> float:
        return self.world.seconds

    def sleep(self, seconds: float) -> None:
        self.world.seconds += seconds


def batch_of(partition: int, values: Mapping[int, bytes | None]) -> pa.RecordBatch:
    """Return a batch of one partition: offset → value."""
    rows: list[dict[str, Any]] = [
        {"partition": partition, "offset": offset, "value": value, "headers": []} for offset, value in values.items()
    ]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def resources(concurrency: int = 0, max_bytes_per_second: int | None = None, block_bytes: int = 1) -> Resources:
    """Return what a load of a world may take: a block for every batch, and one thing after the other."""
    return Resources(
        concurrency=concurrency,
        workers=1,
        block_bytes=block_bytes,
        queue_bytes=100,
        fetch_bytes=1,
        unpack_limit=1,
        max_bytes_per_second=max_bytes_per_second,
    )


RESOURCES = resources()


def attempt_at(
    world: World,
    mode: Mode,
    *,
    clear_number: int = 0,
    target: Target | None = None,
    columns: Mapping[str, str] = COLUMNS,
    on_rerun: OnRerun = OnRerun.KEEP,
    by_rows: bool = False,
    after_commit: bool = False,
    rejects: RejectSink | None = None,
    limits: Resources = RESOURCES,
    load_timeout: float | None = None,
    try_number: int = 1,
) -> Attempt:
    """Return an attempt at loading all that is in the world's log.

    ``after_commit``: it looks at the table and commits to the group.
    """
    load = Load(
        request=WindowRequest("orders", Earliest(), Latest()),
        group=None,
        target=target or target_of(mode),
        projection=compile_projection(columns, SCHEMA),
        drift=None,
        tolerance=Tolerance() if rejects is None else Tolerance(None),
        keep_rejects=rejects is not None,
        resources=limits,
        commit_timeout=300.0,
        on_rerun=on_rerun,
        reconcile=after_commit,
        commit_to_group=after_commit,
    )
    source = Source(world)
    ports = Ports(
        survey=source.survey,
        source=source,
        workers=NoWorkers(),
        sink=Sink(world, mode is Mode.OVERWRITE),
        window_rows=Rows(world) if by_rows else NoOffsetColumns(),
        visible_rows=Shown(world),
        rejects=rejects or NoRejectSink(),
        journal=Store(world),
        history=history_of(),
        clock=Clock(world),
        announce=lambda window: world.effect("announce", lambda: world.announced.append(window)),
        commit_ends=lambda window: world.effect("commit ends", lambda: world.followed.append(window)),
    )
    cancellation = AskedBy(lambda: world.cancelled(), load_timeout, lambda: world.seconds)  # noqa: PLW0108 - as it is now
    return Attempt(load, ports, TaskRun(clear_number, try_number, world.said.append, cancellation))
