"""The state stores of a task instance and an asset: what is asked of them, and those in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from twins.stores import Memory, TaskState
from twins.stores import Store as TwinJournal

from airflow_provider_kafka_odps.core.history.store import Store


class Journal(Protocol):
    """The journal as an attempt sees it."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""

    def begin(self) -> None:
        """Say that a window is being planned."""

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved."""


@dataclass(frozen=True, slots=True)
class AttemptStores:
    """What one attempt has of the stores."""

    journal: Journal
    asset: Store


class StoresBackend(Protocol):
    """A task instance that writes to an asset."""

    def attempt(self) -> AttemptStores:
        """Begin the next attempt: the ones before are superseded."""


@dataclass
class TwinStores:
    """The stores in memory."""

    kept: TaskState = field(default_factory=TaskState)
    entries: dict[str, str] = field(default_factory=dict)
    attempts: int = 0

    def attempt(self) -> AttemptStores:
        """Count."""
        self.attempts += 1
        number = self.attempts

        def is_current() -> bool:
            return self.attempts == number

        return AttemptStores(TwinJournal(self.kept, is_current), Memory(self.entries, is_current=is_current))
