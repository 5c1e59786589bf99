"""One attempt at a load in the simulated world: what it is to do, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.examples import target_of
from core.world import RESOURCES, ROUTES, STAGED
from kit.asked import AskedBy
from simulation.outside.filters import Keep
from simulation.outside.stores import Acting, Store
from simulation.outside.tables import AllRows, SimulatedShown, SimulatedSink, projection_of
from simulation.outside.topic import source_of
from simulation.outside.workers import Pool
from simulation.outside.world import SimulatedWorld
from twins.maxcompute import OLD_ROW, RejectSink
from twins.spool import Spool
from twins.staging import TwinMerges, TwinStagedRows, find_in, show_filled, values_of
from twins.table_rows import Rows

from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, Machine, TaskRun
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.delivery.sections import NoSections
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.journal.entry import JournalStore
from airflow_provider_kafka_odps.core.load.lanes.sampling import ASSUMED_BYTES
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.core.routing.staging import Routing
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window

_UNLIMITED = Tolerance(None)
TARGETS = {mode: target_of(mode) for mode in Mode}


@dataclass(frozen=True, slots=True)
class Order:
    """What one attempt is to do."""

    request: WindowRequest
    history: History
    mode: Mode = Mode.APPEND
    on_rerun: OnRerun = OnRerun.KEEP
    with_offsets: bool = True
    """Whether partition and offset are columns of the table, so that rows can be found by them."""
    hides_offsets: bool = False
    """Whether these columns were added later, so that they are NULL in what is loaded now."""
    rejecting: bool = False
    """Whether the first record of a partition is a reject."""
    keep_rejects: bool = False
    workers: int = 1
    lanes: int = 0
    keep: Keep = Keep.ALL
    routed: bool = False
    """Whether rows are staged, and moved by a statement."""


def attempt_in(
    world: SimulatedWorld,
    order: Order,
    actor: Acting,
    follow: Callable[[Window], None],
    shared: Callable[[Store], JournalStore] = lambda own: own,
) -> Attempt:
    """Return an attempt; ``follow`` is told when the window's ends may be committed, ``shared`` wraps its journal."""
    # Two offsets in a block.
    of_a_worker = replace(RESOURCES, workers=order.workers, block_bytes=2 * ASSUMED_BYTES)
    limits = replace(of_a_worker, concurrency=order.lanes, first=order.lanes, computing=max(1, order.lanes))
    load = Load(
        request=order.request,
        group=None,
        target=TARGETS[order.mode],
        projection=projection_of(
            rejecting=order.rejecting, with_offsets=not order.hides_offsets, keep=order.keep, routed=order.routed
        ),
        found_by=("p", "o") if order.with_offsets and not order.hides_offsets else (),
        drift=None,
        tolerance=_UNLIMITED,
        keep_rejects=order.keep_rejects,
        resources=limits,
        commit_timeout=300.0,
        on_rerun=order.on_rerun,
        on_fewer_rows=OnFewerRows.FAIL,
        reconcile=True,
        commit_to_group=True,
        routing=Routing(ROUTES, 64, STAGED, _own(world, order)) if order.routed else None,
    )
    source = source_of(world.topic, order.request.on_data_loss, world.effect)
    ports = Ports(
        survey=source.survey,
        epochs=source.epochs,
        look=source.look,
        source=source,
        open_reader=source.open_reader,
        workers=Pool(world, load.projection, order.request.on_data_loss, of_a_worker),
        sink=SimulatedSink(
            world, order.routed or order.mode is Mode.OVERWRITE, str(STAGED) if order.routed else None, keep=order.keep
        ),
        window_rows=lambda columns: Rows(world) if columns else NoOffsetColumns(),
        visible_rows=SimulatedShown(world) if order.with_offsets else AllRows(world),
        rejects=RejectSink(world) if order.keep_rejects else NoRejectSink(),
        open_spool=Spool,
        journal=shared(Store(world, actor)),
        history=order.history,
        clock=world.clock,
        announce=lambda window: world.effect("announce", lambda: world.hear(window)),
        commit_ends=lambda window: world.effect("commit the ends", lambda: follow(window)),
        show_progress=_unseen,
        sections=NoSections(),
        staging=_staging(world, order) if order.routed else None,
    )
    cancellation = AskedBy(lambda: actor.cancelled)
    run = TaskRun(
        *(actor.clear_number, actor.number, _silent, _silent, cancellation),
        refusals=Refusals(_silent),
        machine=Machine(0, lambda: 0.0),
        began=0.0,
    )
    return Attempt(load, ports, run)


def _staging(world: SimulatedWorld, order: Order) -> Staging:
    def show(places: Sequence[PartitionSpec]) -> VisibleRows:
        values = values_of(places) or None
        return SimulatedShown(world, values) if order.with_offsets else AllRows(world, values)

    found = find_in(world, by_rows=order.with_offsets)
    merges = TwinMerges(world, world.moving, order.mode is Mode.OVERWRITE)
    return Staging(TwinStagedRows(world), merges, found, show, show_filled(world))


def _own(world: SimulatedWorld, order: Order) -> tuple[PartitionSpec, ...]:
    """Return all partitions that any row may be in: of an overwrite they are its interval's."""
    if order.mode is Mode.APPEND:
        return ()
    values = [OLD_ROW[2], *(value for values in world.topic.ever.values() for value in values)]
    return tuple(PartitionSpec((("ds", value.strip()),)) for value in dict.fromkeys(values))


def _unseen(entry: object) -> None:
    """Show nobody how far a load is."""
    del entry


def _silent(line: str) -> None:
    """Write no log."""
    del line
