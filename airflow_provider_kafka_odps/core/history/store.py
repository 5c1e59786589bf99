"""What earlier windows of the table left behind, and where a plan looks it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.exceptions import InvalidInput


class Store(Protocol):
    """Small JSON values by key, shared by all that load the table; any of them may be lost, none is locked."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was set last, or None."""

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Set the value; whoever reads afterwards finds it."""

    def delete(self, key: str) -> None:
        """Forget the value; harmless where there is none."""


class NoAssetStore:
    """The store of a table that has no asset which Airflow knows: nothing can be remembered."""

    def get(self, key: str) -> None:
        """Return None."""
        del key

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""


@dataclass(slots=True)
class CachedStore:
    """A store that is asked for each key once: every question is a request to Airflow's API server."""

    store: Store
    _known: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what the store has, or had when it was asked."""
        if key not in self._known:
            self._known[key] = self.store.get(key)
        return self._known[key]

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Set the value in the store."""
        self.store.set(key, value)
        self._known[key] = value

    def delete(self, key: str) -> None:
        """Forget the value in the store."""
        self.store.delete(key)
        self._known[key] = None

    def look_again(self) -> None:
        """Ask the store for everything anew: others may have written since."""
        self._known.clear()


@dataclass(frozen=True, slots=True)
class History:
    """The windows before and beside the one that is planned."""

    author: Author
    """Who plans."""
    store: Store
    previous: Callable[[], tuple[str, Mapping[str, Any]] | None]
    """Asks Airflow for the run before this one by date: its id, and the window that this task pushed to XCom there."""
    on_gap: OnGap
    max_offsets: int | None
    """How many offsets a window of the chain may have, in all partitions together."""
    is_active: Callable[[str, int | None], bool]
    """Tells whether another run of the task may still load something; of a mapped one, which instance of it."""
    lock: PlanningLock | None
    """None: nothing keeps other runs from planning at the same moment."""
    log: Callable[[str], None]
    """Takes a line for the task's log."""
    table: str = ""
    """Into which the windows are loaded."""

    def __post_init__(self) -> None:
        """Refuse a window that could not have an offset."""
        if self.max_offsets is not None and self.max_offsets < 1:
            raise InvalidInput(f"max_offsets={self.max_offsets}: a window of at least one offset is wanted")

    @property
    def remembers(self) -> bool:
        """Whether the table has an asset that Airflow knows, and so a store in which a later run finds anything."""
        return not isinstance(self.store, NoAssetStore)
