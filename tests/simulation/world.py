"""The world of tests/core made tiny and quick, with a conductor that decides what becomes of each effect."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, cast

import pyarrow as pa
from core.examples import history_of, offsets_in, target_of
from core.world import COLUMNS, SCHEMA, NoWorkers, World, batch_of, resources
from kit.asked import AskedBy
from simulation.steps import Case, Misfit
from twins.maxcompute import RejectSink, Row, Sink, Upload
from twins.stores import Superseded
from twins.table_rows import Rows, Shown

from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, TaskRun
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns
from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection, Reject
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Latest
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import OffsetsExpired

T = TypeVar("T")
_PROJECTION = compile_projection(COLUMNS, SCHEMA)
_REQUEST = WindowRequest("orders", Earliest(), Latest())
_UNLIMITED = Tolerance(None)
_HISTORY = history_of()
_RESOURCES = resources(block_bytes=1 << 26)
_FENCED = {Phase.PUBLISHING.value, Phase.COMMITTING.value}
_FENCED_OR_COMMITTED = {*_FENCED, Phase.COMMITTED.value}
_TARGETS = {mode: target_of(mode) for mode in Mode}


@dataclass
class SimulatedWorld(World):
    """A world whose topic has one partition, and whose every effect is conducted."""

    topic_id: str = "id-1"
    low: int = 0
    high: int = 2
    """Where the log starts and ends."""
    late: list[Callable[[], object]] = field(default_factory=list)
    """Requests that are under way, and that nobody waits for."""
    misfit: Misfit = Misfit.NEVER
    fenced_by: int = -1
    """The clear number of the attempt that last said how the window became, or would become, visible."""
    conduct: Callable[[str, Callable[[], Any]], Any] = lambda _, apply: apply()
    """Called with an effect's name and what it does."""

    def effect(self, name: str, apply: Callable[[], T]) -> T:
        """Let something happen to the world, or not, as the conductor says."""
        return cast("T", self.conduct(name, apply))

    def window_rows(self) -> list[Row] | None:
        """Return what the recorded window holds; None: no window is recorded."""
        if self.journal is None:
            return None
        window = self.journal["window"]
        start, end = window["partitions"]["0"]
        return _rows(window["topic_id"], start, end)

    def versions(self) -> list[tuple[list[Row], list[Row]]]:
        """Return what may be there of the recorded window: rows, and the rejects that belong to these; none: nothing.

        Who went on with an upload loaded what its mapping made of the records.
        """
        rows = self.window_rows()
        if rows is None:
            return []
        if self.misfit is Misfit.NEVER or rows[:1] == [] or rows[0][1] != 0:
            return [(rows, [])]
        rejecting = (rows[1:], [(0, 0, "v")])
        return [rejecting] if self.misfit is Misfit.ALWAYS else [rejecting, (rows, [])]

    def hear(self, window: Window) -> None:
        """Let others hear of the window, which has to be recorded by then."""
        assert self.journal is not None, "a window is announced that the next attempt would not know"
        recorded = self.journal["window"]
        same = {0: (*recorded["partitions"]["0"],)} == offsets_in(window) and recorded["topic_id"] == window.topic_id
        assert same, "another window is announced than the one that is recorded"

    def follow(self) -> None:
        """Let others see that the window is loaded."""
        versions = self.versions()
        assert versions, "the ends of a window are committed that is not recorded"
        ends = [self.table[len(self.table) - len(rows) :] == rows for rows, _ in versions]
        assert any(ends), "the ends are committed of what is not visible"

    def land(self) -> None:
        """Let every request that is under way arrive."""
        while self.late:
            self.late.pop(0)()


@dataclass
class _Source:
    """The world's topic, whose records expire and whose batches are made once."""

    world: SimulatedWorld

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        assert (topic, questions) == ("orders", Questions())
        return self.world.effect("survey", self._facts)

    def topic_id(self, topic: str) -> str:
        assert topic == "orders"
        return self.world.effect("ask for the topic's id", lambda: self.world.topic_id)

    def cleanup_policy(self, topic: str) -> str:
        assert topic == "orders"
        return self.world.effect("ask for the policy", lambda: self.world.orders.policy)

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        assert {"partition", "offset", "value"} <= wanted
        del evidence
        start, end = offsets_in(window)[0]
        batch = self.world.effect("read", lambda: self._batch(start, end))
        if batch is not None:
            yield batch

    def _facts(self) -> TopicFacts:
        world = self.world
        facts = PartitionFacts(0, world.low, world.high, world.high)
        return TopicFacts("orders", world.topic_id, "cluster", {0: facts})

    def _batch(self, start: int, end: int) -> pa.RecordBatch | None:
        if start < self.world.low:
            raise OffsetsExpired(f"orders[0]: the window starts at {start} but the log starts at {self.world.low}")
        return _batch_of(self.world.topic_id, start, end) if start < end else None


@cache
def _rows(topic_id: str, start: int, end: int) -> list[Row]:
    return [(0, offset, f"{topic_id}:{offset}") for offset in range(start, end)]


@cache
def _batch_of(topic_id: str, start: int, end: int) -> pa.RecordBatch:
    return batch_of(0, {offset: value.encode() for _, offset, value in _rows(topic_id, start, end)})


_ROWS: dict[int, list[Row]] = {}
"""Of columns that were projected, by their ids."""


class _CachedProjection:
    """The real projection, asked once per batch: batches are never forgotten, so that their ids stay theirs."""

    wanted = _PROJECTION.wanted

    def __init__(self, *, rejecting: bool) -> None:
        self._projected: dict[int, Projected] = {}
        self._rejecting = rejecting

    def apply(self, topic: str, batch: pa.RecordBatch) -> Projected:
        if id(batch) not in self._projected:
            projected = _PROJECTION.apply(topic, batch)
            if self._rejecting and batch.column("offset")[0].as_py() == 0:
                rejects = (Reject(topic, 0, 0, "v", "it does not fit"),)
                projected = replace(projected, columns=projected.columns.slice(1), rejects=rejects)
            self._projected[id(batch)] = projected
            _ROWS[id(projected.columns)] = [tuple(row.values()) for row in projected.columns.to_pylist()]
        return self._projected[id(batch)]


_TAKES, _REJECTS = _CachedProjection(rejecting=False), _CachedProjection(rejecting=True)


@dataclass
class _Upload(Upload):
    """A handle on one session, whose rows are known from their columns."""

    def write_block(self, number: int, batches: Sequence[pa.RecordBatch]) -> int:
        rows = [row for each in batches for row in _ROWS[id(each)]]
        self.world.effect("write a block", lambda: self._write(number, rows))
        return len(rows)


@dataclass
class _Sink(Sink):
    """The world's table."""

    def open_upload(self) -> Upload:
        return _Upload(self.world, super().open_upload().id, opened=True)


@dataclass
class _Store:
    """The journal as one attempt sees it: in the moment in which a later one has started, it is refused, and empty."""

    world: SimulatedWorld
    clear_number: int
    is_current: Callable[[], bool]

    def load(self) -> Mapping[str, Any] | None:
        return self.world.journal if self.is_current() else None

    def begin(self) -> None:
        if not self.is_current():
            raise Superseded("404")

    def save(self, entry: Mapping[str, Any]) -> None:
        self.world.effect(f"save {entry['phase']}", lambda: self._save(entry))

    def _save(self, entry: Mapping[str, Any]) -> None:
        if not self.is_current():
            raise Superseded("404")
        before = self.world.journal
        assert before is None or before["window"] == entry["window"], "the recorded window has changed"
        settles = before is not None and before["phase"] in _FENCED
        if entry["phase"] == Phase.PUBLISHING or (entry["phase"] in _FENCED_OR_COMMITTED and not settles):
            self.world.fenced_by = self.clear_number
        self.world.journal = dict(entry)


def attempt_in(
    world: SimulatedWorld,
    case: Case,
    number: int,
    clear_number: int,
    is_current: Callable[[], bool],
    cancelled: Callable[[], bool],
) -> Attempt:
    """Return an attempt at loading all that is in the world's log."""
    rejecting = case.misfit is Misfit.ALWAYS or (case.misfit is Misfit.AT_FIRST and number == 1)
    keep_rejects = case.misfit is not Misfit.NEVER
    load = Load(
        request=_REQUEST,
        group=None,
        target=_TARGETS[case.mode],
        projection=cast("Projection", _REJECTS if rejecting else _TAKES),
        drift=None,
        tolerance=_UNLIMITED,
        keep_rejects=keep_rejects,
        resources=_RESOURCES,
        commit_timeout=300.0,
        on_rerun=case.on_rerun,
        reconcile=True,
        commit_to_group=True,
    )
    source = _Source(world)
    ports = Ports(
        survey=source.survey,
        source=source,
        workers=NoWorkers(),
        sink=_Sink(world, case.mode is Mode.OVERWRITE),
        window_rows=Rows(world) if case.with_rows else NoOffsetColumns(),
        visible_rows=Shown(world),
        rejects=RejectSink(world) if keep_rejects else NoRejectSink(),
        journal=_Store(world, clear_number, is_current),
        history=_HISTORY,
        clock=world.clock,
        announce=lambda window: world.effect("announce", lambda: world.hear(window)),
        commit_ends=lambda _: world.effect("commit the ends", world.follow),
    )
    cancellation = AskedBy(cancelled)
    return Attempt(load, ports, TaskRun(clear_number, number, _silent, cancellation))


def _silent(line: str) -> None:
    """Write no log."""
    del line
