"""Which lanes compute at this moment: as many as there are cores; those that wait for the outside need none."""

from __future__ import annotations

import threading
from collections.abc import Callable

from airflow_provider_kafka_odps.core.clock import GLANCE_SECONDS


class Gate:
    """Room for so many lanes to make rows at once; without it, more of them than cores take Python's lock in turns."""

    def __init__(self, places: int) -> None:
        """Take how many lanes have room, at least one."""
        self._places = threading.BoundedSemaphore(max(1, places))

    def turn(self, check: Callable[[], None]) -> Turn:
        """Return the turns of one lane; ``check`` raises, while a place is waited for, if the load is to stop."""
        return Turn(self._places, check)


class Turn:
    """The place of one lane at the gate, as long as it makes rows; taken and left in one thread at a time."""

    def __init__(self, places: threading.BoundedSemaphore, check: Callable[[], None]) -> None:
        self._places, self._check = places, check
        self._is_taken = False

    def take(self) -> None:
        """Wait for a place; raise what ``check`` raises."""
        while not self._is_taken:
            self._is_taken = self._places.acquire(timeout=GLANCE_SECONDS)
            if not self._is_taken:
                self._check()

    def leave(self) -> None:
        """Let another lane have the place, if there is one to leave."""
        if self._is_taken:
            self._is_taken = False
            self._places.release()
