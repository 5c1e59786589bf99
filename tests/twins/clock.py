"""Clocks that are moved by hand, and how a twin lets something happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")
BEGINNING = datetime(2026, 11, 22, 11, 0, 7, tzinfo=UTC)


class Effect(Protocol):
    """Lets something happen to an outside system, under a name, or does with it what a test wants."""

    def __call__(self, name: str, apply: Callable[[], T], /) -> T: ...


def at_once(_: str, apply: Callable[[], T], /) -> T:
    """Let it happen."""
    return apply()


@dataclass
class HandClock:
    """Time by hand: no test waits."""

    seconds: float = 0.0
    beginning: datetime = BEGINNING
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the instant."""
        return self.beginning + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return how many seconds were slept so far."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Go forward."""
        self.slept.append(seconds)
        self.seconds += seconds

    def millis(self) -> int:
        """Return the instant as Kafka's timestamps have it."""
        return round(self.now().timestamp() * 1000)


class HurriedClock(HandClock):
    """Time that moves with each look of the thread that waits, and stands still for the one that is waited for."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step, self._waits = step, threading.get_ident()

    def monotonic(self) -> float:
        """Let it become later, and return how late it is."""
        if threading.get_ident() == self._waits:
            self.seconds += self._step
        return self.seconds
