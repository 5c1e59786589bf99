"""Airflow's state stores in memory: of a task instance, which an attempt may lose, and of the table's asset."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twins.clock import Effect, at_once


class Superseded(Exception):
    """The state store refuses an attempt that is not the current one."""


def text_of(value: Mapping[str, Any]) -> str:
    """Return a value as JSON; raise ValueError for what does not come back as it was, such as a tuple."""
    text = json.dumps(value)
    if json.loads(text) != value:
        raise ValueError(f"{value} is no JSON")
    return text


@dataclass
class TaskState:
    """What is kept for all attempts of one task instance."""

    journal: dict[str, Any] | None = None


@dataclass
class Store:
    """The journal, as one attempt sees it."""

    kept: TaskState
    is_current: Callable[[], bool] = lambda: True
    """Whether no later attempt has begun."""
    effect: Effect = at_once

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last; to an attempt that was superseded, nothing: no error tells it apart."""
        return self.kept.journal if self.is_current() else None

    def begin(self) -> None:
        """Refuse an attempt that was superseded."""
        if not self.is_current():
            raise Superseded("404")

    def save(self, entry: Mapping[str, Any]) -> None:
        """Keep an entry, unless the attempt has been superseded by then."""
        self.effect(f"save {entry['phase']}", lambda: self._save(entry))

    def _save(self, entry: Mapping[str, Any]) -> None:
        self.begin()
        self.kept.journal = json.loads(text_of(entry))


@dataclass
class Memory:
    """The state store of an asset: every value goes through JSON."""

    entries: dict[str, str] = field(default_factory=dict)
    turn: Callable[[], None] = lambda: None
    """Waits until this reader or writer may go on."""
    is_current: Callable[[], bool] = lambda: True
    """Whether no later attempt of the one that writes has begun."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        self.turn()
        found: Mapping[str, Any] | None = json.loads(self.entries[key]) if key in self.entries else None
        return found

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        self.turn()
        if not self.is_current():
            raise Superseded("404")
        self.entries[key] = text_of(value)

    def delete(self, key: str) -> None:
        self.turn()
        self.entries.pop(key, None)
