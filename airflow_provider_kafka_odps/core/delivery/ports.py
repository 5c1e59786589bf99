"""The outside of a load, as small protocols."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol, Self

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows
from airflow_provider_kafka_odps.core.load.shares import Share, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window


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


class RunningWorkers(Protocol):
    """Workers that load shares of one window; they end when the context is left, whatever the reason."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def check(self) -> None:
        """Raise the error of the first worker that has failed, if any; in any thread."""

    def heard(self) -> Sequence[ShareProgress]:
        """Return, once, what the workers have told by now."""

    def tallies(self) -> Sequence[ShareResult] | None:
        """Return what each has loaded, in the order of their shares; None while one still loads."""


class Workers(Protocol):
    """Processes that could load shares of a window."""

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str]) -> RunningWorkers:
        """Start a worker for each share; they write blocks of an upload that is open."""


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
