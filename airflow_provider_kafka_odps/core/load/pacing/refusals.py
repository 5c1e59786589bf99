"""What the service says when it is asked for too much: counted, and told once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Refusals:
    """How often the service has asked for less, in whichever thread or process of a load."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        """Take the task's log, for warnings."""
        self._warn, self._lock = warn, threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        """How often, so far."""
        return self._count

    def add(self, words: str) -> None:
        """Count one, with the words of the service; the first one is told, with what it means."""
        with self._lock:
            self._count += 1
            first = self._count == 1
        if first:
            self._warn(
                f"MaxCompute asks for less: {words}. Nothing is lost, and no row is there twice: what was refused is "
                "tried again, with fewer blocks at a time until the service takes more, so this load is slower. Others "
                "may use the same quota. If that happens often: a lower concurrency, another time of the day, or a "
                "tunnel quota of its own (quota_name). This is said once in a load"
            )
