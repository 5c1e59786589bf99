"""The outside of a load, as small protocols."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.rejects import RejectSink
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.delivery.sections import Sections
from airflow_provider_kafka_odps.core.delivery.window_rows import WindowRows
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.journal.entry import JournalStore
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.stages import Read
from airflow_provider_kafka_odps.core.load.reject_order import OpenSpool
from airflow_provider_kafka_odps.core.load.shares import RunningWorkers, Share
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.facts import Identity, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window


class Source(Protocol):
    """A topic: what it is, and its records."""

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's UUID as it is now, and where these leader epochs of its partitions end."""

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``, such as ``compact,delete``; None if this login may not know it."""

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        """Yield every record of the window, in offset order per partition; end only when all of it was read.

        Offsets that have none are noted before the records behind them come.
        """


class Sink(Protocol):
    """A MaxCompute table, or one partition of it."""

    def ensure(self) -> None:
        """Create what the load may create and is missing: table, partition."""

    def open_upload(self) -> Upload:
        """Open a fresh upload session."""

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""


class Workers(Protocol):
    """Processes that could load shares of a window."""

    def start(
        self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str], facts: TopicFacts
    ) -> AbstractContextManager[RunningWorkers]:
        """Start a worker for each share; they write blocks of an upload that is open.

        They end when the context is left, whatever the reason.
        """


Survey: TypeAlias = Callable[[str, Questions], TopicFacts]
"""Asks the broker once for all that a plan needs."""


Look: TypeAlias = Callable[[str], TopicFacts]
"""Asks the broker where a topic's logs begin and end now."""


OpenReader: TypeAlias = Callable[[frozenset[str], TopicFacts], AbstractContextManager[Read]]
"""Gives what reads windows as ``Source.read`` does, one after the other, without a look at the logs before.

The facts are what they are like now. Several readers may be at work at once.
"""


Epochs: TypeAlias = Callable[[Window], Mapping[int, int]]
"""Returns the leader epoch of each range's last offset, by partition, as far as the broker tells."""


Announce: TypeAlias = Callable[[Window], None]
"""Called with the window as soon as it is known, on a replay too."""


ShowProgress: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Shows how far a load is to whoever looks on; raises nothing, for a load does not fail because nobody sees it."""


CommitEnds: TypeAlias = Callable[[Window], None]
"""Commits the window's ends to the consumer group; called by every attempt that finds the load committed."""


FindRows: TypeAlias = Callable[[tuple[str, ...] | None], WindowRows]
"""Returns the rows of a window as they are found by two columns; None: by those that are mapped now."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a load needs of the outside."""

    survey: Survey
    epochs: Epochs
    look: Look
    source: Source
    open_reader: OpenReader
    workers: Workers
    sink: Sink
    window_rows: FindRows
    """What of a window is in the table."""
    visible_rows: VisibleRows
    """What a committed load is held against."""
    rejects: RejectSink
    open_spool: OpenSpool
    """Where rejects wait until all records were read."""
    journal: JournalStore
    history: History
    """What other runs have left for the plan, and where this one leaves what they need."""
    clock: Clock
    announce: Announce
    commit_ends: CommitEnds
    show_progress: ShowProgress
    sections: Sections
    staging: Staging | None = None
    """Where rows wait to be moved into partitions of their own; None: the upload's commit makes them visible."""
