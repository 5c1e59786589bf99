"""One attempt at a load: what is wanted, and the outside that it needs, as small protocols."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import pyarrow as pa

from airflow_provider_kafka_odps.core.blocks import BLOCK_BYTES, QUEUE_BYTES
from airflow_provider_kafka_odps.core.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.gaps import PassedOver
from airflow_provider_kafka_odps.core.journal import OnRerun, Target
from airflow_provider_kafka_odps.core.limit import TimeLimit
from airflow_provider_kafka_odps.core.past import Past
from airflow_provider_kafka_odps.core.planning import WindowRequest
from airflow_provider_kafka_odps.core.projection import Projection
from airflow_provider_kafka_odps.core.reconciling import Shown
from airflow_provider_kafka_odps.core.rejects import RejectSink
from airflow_provider_kafka_odps.core.rows import FoundRows
from airflow_provider_kafka_odps.core.settling import Clock, Upload
from airflow_provider_kafka_odps.core.shares import Share, Tally, Told
from airflow_provider_kafka_odps.core.tolerance import Tolerance
from airflow_provider_kafka_odps.core.window import Window


class Source(Protocol):
    """A Kafka cluster."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now."""

    def read(self, window: Window, wanted: frozenset[str]) -> Generator[pa.RecordBatch]:
        """Yield every record of the window, in offset order per partition; end only when all of it was read."""


class Evidence(Protocol):
    """What a Kafka cluster says of offsets that have no record."""

    def take_passed_over(self) -> Sequence[PassedOver]:
        """Return, once, what the read has passed over by now, in offset order per partition."""

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``, such as ``compact,delete``; None if this login may not know it."""


class Sink(Protocol):
    """A MaxCompute table, or one partition of it."""

    def ensure(self) -> None:
        """Create what the load may create and is missing: table, partition."""

    def open_upload(self) -> Upload:
        """Open a fresh upload session."""

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""


class Team(Protocol):
    """Workers that load shares of one window; they end when the context is left, whatever the reason."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def check(self) -> None:
        """Raise the error of the first worker that has failed, if any; in any thread."""

    def heard(self) -> Sequence[Told]:
        """Return, once, what the workers have told by now."""

    def tallies(self) -> Sequence[Tally] | None:
        """Return what each has loaded, in the order of their shares; None while one still loads."""


class Crew(Protocol):
    """Processes that could load shares of a window."""

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str]) -> Team:
        """Start a worker for each share; they write blocks of an upload that is open."""


class JournalStore(Protocol):
    """Where the journal is kept; a superseded attempt must not be able to save."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved; raise if this attempt is not the current one."""


class Rows(Protocol):
    """The rows of a table, or of one partition of it, that can be found by their offsets."""

    def count(self, window: Window) -> FoundRows:
        """Return how much of the window is visible."""

    def start_removal(self, window: Window, name: str) -> str:
        """Start to remove the window's rows and no others, all at once; return the id to wait for.

        What was started under this name before, by whomever, is not started again: its id is returned.
        """

    def await_removal(self, statement_id: str) -> str | None:
        """Wait until the removal has ended; return why nothing was removed, if it was not."""


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
    crew: Crew | None = None
    """The other ones; None: there are none to be had."""
    give_up: Callable[[], None] = lambda: None
    """Tells source and sink that the load has failed: what they do in other threads is wanted no more."""
    waited: Callable[[], float] = lambda: 0.0
    """How many seconds reading has waited for the broker so far."""
    on_rerun: OnRerun = OnRerun.KEEP
    evidence: Evidence | None = None
    """None counts gaps without accounting for them."""
    past: Past | None = None
    """None plans every window for itself."""
    begin: Callable[[], None] = lambda: None
    """Called before other runs can see a window that this one plans; raises where this attempt was superseded."""
    rows: Rows | None = None
    """None where partition and offset are no columns of the table."""
    shown: Shown | None = None
    """What a committed load is held against; None: nothing."""
    commit_ends: Callable[[Window], None] | None = None
    """Called with the window of a committed load, by every attempt that finds it committed; None: nothing is."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    """How many records may fail to fit the table."""
    drift: Mapping[str, Sequence[str]] | None = None
    """What was decided about columns that the table lacks, for the receipt."""
    rejects: RejectSink | None = None
    """Where these records go; None: they are counted, and the first ten are in the log."""
    limit: TimeLimit = field(default_factory=TimeLimit)
    """How long the load may take up to its commit; ``cancelled`` raises when it is over."""
    try_number: int = 1
    """Which try of the task this is, as Airflow counts them."""
