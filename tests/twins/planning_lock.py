"""A group of planners in memory: one member at a time holds it, and only that one can note anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from airflow_provider_kafka_odps.exceptions import BrokerRefused, PlannedAtOnce


@dataclass
class Group:
    """What the broker knows of a group."""

    longest: int = 4000
    """How many characters a note may have."""
    refusal: str | None = None
    """Why nobody may join; None: everybody may."""
    holder: int | None = None
    text: str | None = None
    members: count[int] = field(default_factory=count)

    def expel(self) -> None:
        """Let the holder's session end: it was silent for too long."""
        self.holder = None


@dataclass
class TwinLock:
    """A planner's way to the group."""

    group: Group
    wait: Callable[[], None]
    """Called as long as another one holds the group; raises where the wait is over."""
    member: int | None = None

    def acquire(self) -> str | None:
        """Join."""
        if self.group.refusal is not None:
            raise BrokerRefused(self.group.refusal)
        while self.group.holder is not None:
            self.wait()
        self.group.holder = self.member = next(self.group.members)
        return self.group.text

    def note(self, text: str) -> None:
        """Commit under the membership."""
        if self.member is None or self.group.holder != self.member:
            raise PlannedAtOnce("the membership was lost")
        if len(text) > self.group.longest:
            raise BrokerRefused("OffsetMetadataTooLarge")
        self.group.text = text

    def release(self) -> None:
        """Leave."""
        if self.group.holder == self.member:
            self.group.holder = None
