"""Airflow's state stores, of a task instance and of the table's asset, as one attempt sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulation.outside.world import SimulatedWorld
from twins.planning_lock import TwinLock
from twins.stores import Superseded, text_of


class Acting(Protocol):
    """Whose attempt it is."""

    run: str
    number: int
    clear_number: int
    cancelled: bool

    def is_current(self) -> bool:
        """Tell whether no later attempt of the run has started."""


@dataclass
class Store:
    """The journal as one attempt sees it: saving is refused in the moment in which a later attempt has started."""

    world: SimulatedWorld
    actor: Acting

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last; to an attempt that was superseded it looks as if there were nothing."""
        return self.world.journals.get(self.actor.run) if self.actor.is_current() else None

    def begin(self) -> None:
        self.world.effect("save planning", self._check)

    def save(self, entry: Mapping[str, Any]) -> None:
        self.world.effect(f"save {entry['phase']}", lambda: self._save(entry))

    def _save(self, entry: Mapping[str, Any]) -> None:
        self._check()
        self.world.keep(self.actor.run, dict(entry), self.actor.clear_number)

    def _check(self) -> None:
        if not self.actor.is_current():
            raise Superseded("404")


@dataclass
class AssetMemory:
    """The state store of the table's asset: it takes nothing from an attempt that was superseded."""

    world: SimulatedWorld
    actor: Acting

    def get(self, key: str) -> Mapping[str, Any] | None:
        return self.world.effect(f"get {_kind(key)}", lambda: self._get(key))

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        self.world.effect(f"set {_kind(key)}", lambda: self._set(key, text_of(value)))

    def delete(self, key: str) -> None:
        self.world.effect(f"delete {_kind(key)}", lambda: self.world.asset.pop(key, None))

    def _set(self, key: str, text: str) -> None:
        if not self.actor.is_current():
            raise Superseded("404")
        self.world.asset[key] = text

    def _get(self, key: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = json.loads(self.world.asset[key]) if key in self.world.asset else None
        return found


@dataclass
class SimulatedLock(TwinLock):
    """The planning lock as one attempt sees it.

    Whoever stands still while another one joins does so for longer than its session: the broker waits no longer.
    """

    world: SimulatedWorld = field(kw_only=True)

    @classmethod
    def of(cls, world: SimulatedWorld) -> SimulatedLock:
        """Return the way of one attempt to the group."""
        return cls(world.planners, world.planners.expel, world=world)

    def acquire(self) -> str | None:
        return self.world.effect("join", super().acquire)

    def note(self, text: str) -> None:
        self.world.effect("note", lambda: super(SimulatedLock, self).note(text))


def _kind(key: str) -> str:
    return key.partition(":")[0]
