"""A broker, a table, a journal and a clock in memory: the outside of a transfer, crashing where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import pyarrow as pa
from core.examples import history_of, target_of
from kit.asked import AskedBy
from twins.clock import HandClock
from twins.kafka import Cluster, Log, Topic, log_of
from twins.kafka_reader import Source
from twins.maxcompute import MaxCompute, RejectSink, Row, Sink
from twins.spool import Spool
from twins.staging import MergeWorld, TwinMerges, TwinStagedRows, find_in, show_filled, values_of
from twins.stores import Store, TaskState
from twins.table_rows import Rows, Shown

from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, Machine, TaskRun
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.delivery.sections import NoSections
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.core.routing.level_values import namings
from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.routing.staging import Routing
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Latest
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA

SCHEMA = TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "string"}))
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
T = TypeVar("T")
ROUTES = Routes(None, {"ds": "__value__"})
STAGED = Staged(TableName("t__kafka_staging", "shop"), PartitionSpec.parse("load_id=hourly.load.run"), ("p", "o", "v"))
_ROUTED_SCHEMA = TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "string", "ds": "string"}))
_ROUTED = compile_projection({**COLUMNS, "ds": "__value__"}, _ROUTED_SCHEMA, levels=namings(["ds"]))


class Crash(BaseException):
    """The process dies here: nothing of ours runs afterwards."""


@dataclass
class World(MaxCompute, TaskState):
    """All that survives an attempt."""

    cluster: Cluster = field(default_factory=lambda: cluster_of([b"a", b"b", b"c"], [b"d"], []))
    clock: HandClock = field(default_factory=HandClock)
    effects: list[str] = field(default_factory=list)
    announced: list[Window] = field(default_factory=list)
    followed: list[Window] = field(default_factory=list)
    """Whose ends were committed to the group."""
    said: list[str] = field(default_factory=list)
    shown: list[Mapping[str, Any]] = field(default_factory=list)
    """How far loads were, as it was shown to those who look on."""
    warned: list[str] = field(default_factory=list)
    crash_before: int | None = None
    crash_after: int | None = None
    statements_of_merges: MergeWorld = field(default_factory=MergeWorld)
    fenced: bool = False
    """Whether the attempt that runs has been superseded."""
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

    @property
    def orders(self) -> Topic:
        """The topic that is loaded."""
        return self.cluster.topics["orders"]

    @property
    def log(self) -> dict[int, Log]:
        """Its partitions."""
        return self.orders.partitions

    def records(self) -> list[Row]:
        """Return a row for every record that is in the log now."""
        return [(p, each.offset, (each.value or b"").decode()) for p, log in self.log.items() for each in log.entries]


def cluster_of(*partitions: Iterable[bytes | None], policy: str = "delete") -> Cluster:
    """Return a cluster with a topic of these values; None: no record is at this offset, and nothing says why."""
    topic = Topic("id-1", policy, {number: log_of(values) for number, values in enumerate(partitions)})
    return Cluster(topics={"orders": topic})


class NoWorkers:
    """Workers of a world in which one process loads the window."""

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str], facts: TopicFacts) -> NoReturn:
        raise AssertionError(f"nobody is to load {shares} of {wanted} into {upload_id}, {facts}")


def batch_of(partition: int, values: Mapping[int, bytes | None]) -> pa.RecordBatch:
    """Return a batch of one partition: offset → value."""
    rows: list[dict[str, Any]] = [
        {"partition": partition, "offset": offset, "value": value, "headers": []} for offset, value in values.items()
    ]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def uncounted() -> dict[str, Any]:
    """Return the rest of stages of which nobody wants to know what they cost, and that nobody has refused yet."""
    return {"cpu": lambda: 0.0, "refusals": Refusals(lambda _: None)}


def resources(concurrency: int = 0, max_bytes_per_second: int | None = None, block_bytes: int = 1) -> Resources:
    """Return what a load of a world may take: a block for every batch, and one thing after the other."""
    return Resources(
        concurrency=concurrency,
        first=concurrency,
        computing=2,
        workers=1,
        block_bytes=block_bytes,
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
    on_data_loss: OnDataLoss = OnDataLoss.FAIL,
    on_fewer_rows: OnFewerRows = OnFewerRows.FAIL,
    by_rows: bool = False,
    after_commit: bool = False,
    rejects: RejectSink | None = None,
    record_format: RecordFormat | None = None,
    limits: Resources = RESOURCES,
    load_timeout: float | None = None,
    try_number: int = 1,
    where: str | None = None,
    routed: bool = False,
    max_partitions: int = 64,
    own: tuple[PartitionSpec, ...] = (),
) -> Attempt:
    """Return an attempt at loading all that is in the world's log.

    ``after_commit``: it looks at the table and commits to the group.
    """
    load = Load(
        request=WindowRequest("orders", Earliest(), Latest(), on_data_loss=on_data_loss),
        group=None,
        target=target or target_of(mode),
        projection=_ROUTED if routed else compile_projection(columns, SCHEMA, record_format, Wanted(where)),
        found_by=("p", "o") if by_rows else (),
        drift=None,
        tolerance=Tolerance() if rejects is None else Tolerance(None),
        keep_rejects=rejects is not None,
        resources=limits,
        commit_timeout=300.0,
        on_rerun=on_rerun,
        on_fewer_rows=on_fewer_rows,
        reconcile=after_commit,
        commit_to_group=after_commit,
        routing=Routing(ROUTES, max_partitions, STAGED, own) if routed else None,
    )
    source = Source(world.cluster, world.effect, on_data_loss, batch_records=1)
    ports = Ports(
        survey=source.survey,
        epochs=source.epochs,
        look=source.look,
        source=source,
        open_reader=source.open_reader,
        workers=NoWorkers(),
        sink=Sink(world, routed or mode is Mode.OVERWRITE, str(STAGED) if routed else None),
        window_rows=lambda columns: Rows(world) if (by_rows if columns is None else columns) else NoOffsetColumns(),
        visible_rows=Shown(world),
        rejects=rejects or NoRejectSink(),
        open_spool=Spool,
        journal=Store(world, lambda: not world.fenced, world.effect),
        history=history_of(),
        clock=world.clock,
        announce=lambda window: world.effect("announce", lambda: world.announced.append(window)),
        commit_ends=lambda window: world.effect("commit ends", lambda: world.followed.append(window)),
        show_progress=world.shown.append,
        sections=NoSections(),
        staging=Staging(
            TwinStagedRows(world),
            TwinMerges(world, world.statements_of_merges, mode is Mode.OVERWRITE),
            find_in(world, by_rows=by_rows),
            lambda places: Shown(world, values_of(places) or None),
            show_filled(world),
        )
        if routed
        else None,
    )
    cancellation = AskedBy(lambda: world.cancelled(), load_timeout, lambda: world.clock.seconds)  # noqa: PLW0108 - as it is now
    run = TaskRun(
        *(clear_number, try_number, world.said.append, world.warned.append, cancellation),
        refusals=Refusals(world.warned.append),
        machine=Machine(0, lambda: 0.0),
        began=0.0,
    )
    return Attempt(load, ports, run)
