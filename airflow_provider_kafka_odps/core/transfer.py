"""The order of effects of one load, on one page, and what it needs from the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting import Account
from airflow_provider_kafka_odps.core.blocks import cut_blocks
from airflow_provider_kafka_odps.core.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.journal import Journal, NextStep, Phase, Target, next_step
from airflow_provider_kafka_odps.core.planning import WindowRequest, plan_window
from airflow_provider_kafka_odps.core.projection import Projection
from airflow_provider_kafka_odps.core.receipt import Receipt
from airflow_provider_kafka_odps.core.schema import TableSchema
from airflow_provider_kafka_odps.core.settling import Clock, Fate, Upload, commit, settle
from airflow_provider_kafka_odps.core.window import Window
from airflow_provider_kafka_odps.exceptions import Cancelled, CommitUnknown, TopicReplaced


class Source(Protocol):
    """A Kafka cluster."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now."""

    def read(self, window: Window, wanted: frozenset[str]) -> Iterator[pa.RecordBatch]:
        """Yield every record of the window, in offset order per partition; end only when all of it was read."""


class Sink(Protocol):
    """A MaxCompute table, or one partition of it."""

    def ensure(self) -> None:
        """Create what the load may create and is missing: table, partition."""

    def open_upload(self) -> Upload:
        """Open a fresh upload session."""

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""


class JournalStore(Protocol):
    """Where the journal is kept; a superseded attempt must not be able to save."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved; raise if this attempt is not the current one."""
