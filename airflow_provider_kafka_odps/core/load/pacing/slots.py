"""How many blocks are written at a time: fewer once the service has asked for less, and slowly more again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_kafka_odps.core.clock import GLANCE_SECONDS, Clock
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals

_ONE_REFUSAL = 5.0
"""Seconds in which several lanes that are refused are told the same thing."""


_CALM = 30.0
"""Seconds without a refusal after which one block more is tried. Source: the service counts blocks in 5 minutes."""


class Allowance:
    """How many blocks may be written at a time; time is an argument.

    A refusal halves it, to no less than one, and each half minute without another one adds one.
    """

    def __init__(self, most: int) -> None:
        """Take how many are written while the service takes them all."""
        self.most = self._limit = max(1, most)
        self._since: float | None = None
        """When it was halved last; None: it never was."""

    def limit(self, now: float) -> int:
        """Return how many may be written.

        >>> allowance = Allowance(8)
        >>> allowance.refused(writing=8, now=0.0)
        >>> [allowance.limit(now) for now in (0.0, 29.0, 30.0, 90.0, 120.0, 1000.0)]
        [4, 4, 5, 7, 8, 8]
        """
        if self._since is None:
            return self._limit
        return min(self.most, self._limit + int((now - self._since) // _CALM))

    def refused(self, writing: int, now: float) -> None:
        """Take a refusal, while as many blocks were written as ``writing``; 0: before the first one."""
        if self._since is not None and now - self._since < _ONE_REFUSAL:
            return
        limit = self.limit(now)
        self._limit = max(1, min(limit, writing or limit) // 2)
        self._since = now


class Slots:
    """What a lane has while it writes a block; in several threads."""

    def __init__(self, most: int, refusals: Refusals, check: Callable[[], None], clock: Clock) -> None:
        """Take how many there are at most, what the service refuses, and what raises where the load is to stop."""
        self._allowance, self._refusals = Allowance(most), refusals
        self._check, self._clock, self._lock = check, clock, threading.Lock()
        self._taken = self._taken_most = self._heard = 0

    @property
    def are_fewer(self) -> bool:
        """Whether the service takes fewer than there are at most."""
        with self._lock:
            return self._limit() < self._allowance.most

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a slot, and have it until the context is left."""
        while not self._take():
            self._check()
            self._clock.sleep(GLANCE_SECONDS)
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1

    def _take(self) -> bool:
        with self._lock:
            if self._taken >= self._limit():
                return False
            self._taken += 1
            self._taken_most = max(self._taken_most, self._taken)
            return True

    def _limit(self) -> int:
        now = self._clock.monotonic()
        if self._refusals.count > self._heard:
            self._heard = self._refusals.count
            self._allowance.refused(self._taken_most, now)
            self._taken_most = self._taken
        return self._allowance.limit(now)
