"""One attempt at a load: what is wanted, and the outside that it needs, as small protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_kafka_odps.core.accounting.rejects import RejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.delivery.ports import Evidence, Rows, Sink, Source, Workers
from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.journal.entry import JournalStore, Target
from airflow_provider_kafka_odps.core.load.blocks import BLOCK_BYTES, QUEUE_BYTES
from airflow_provider_kafka_odps.core.load.deadline import Deadline
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.options import OnRerun
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a load: what is wanted, who does it, and how it is observed."""

    request: WindowRequest
    group: str | None
    target: Target
    projection: Projection
    source: Source
    sink: Sink
    journal: JournalStore
    clock: Clock
    announce: Callable[[Window], None]
    """Called with the window as soon as it is known, on a replay too."""
    say: Callable[[str], None]
    """Takes a line for the task's log."""
    cancelled: Callable[[], bool]
    clear_number: int
    history: History
    """What other runs have left for the plan, and where this one leaves what they need."""
    commit_timeout: float = 300.0
    """Seconds until a commit's fate has to be known."""
    block_bytes: int = BLOCK_BYTES
    queue_bytes: int = QUEUE_BYTES
    """How far a stage may be ahead of the next one."""
    max_bytes_per_second: int | None = None
    """Bytes of columns; None: as fast as it goes."""
    concurrency: int = 0
    """How many blocks are written at a time, beside reading and projecting; 0: one thing after the other."""
    workers: int = 1
    """How many processes share the window, this one among them."""
    crew: Workers | None = None
    """The other ones; None: there are none to be had."""
    give_up: Callable[[], None] = lambda: None
    """Tells source and sink that the load has failed: what they do in other threads is wanted no more."""
    waited: Callable[[], float] = lambda: 0.0
    """How many seconds reading has waited for the broker so far."""
    on_rerun: OnRerun = OnRerun.KEEP
    evidence: Evidence | None = None
    """None counts gaps without accounting for them."""
    begin: Callable[[], None] = lambda: None
    """Called before other runs can see a window that this one plans; raises where this attempt was superseded."""
    rows: Rows | None = None
    """None where partition and offset are no columns of the table."""
    shown: VisibleRows | None = None
    """What a committed load is held against; None: nothing."""
    commit_ends: Callable[[Window], None] | None = None
    """Called with the window of a committed load, by every attempt that finds it committed; None: nothing is."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    """How many records may fail to fit the table."""
    drift: Mapping[str, Sequence[str]] | None = None
    """What was decided about columns that the table lacks, for the receipt."""
    rejects: RejectSink | None = None
    """Where these records go; None: they are counted, and the first ten are in the log."""
    limit: Deadline = field(default_factory=Deadline)
    """How long the load may take up to its commit; ``cancelled`` raises when it is over."""
    try_number: int = 1
    """Which try of the task this is, as Airflow counts them."""
