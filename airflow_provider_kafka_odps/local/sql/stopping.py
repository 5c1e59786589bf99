"""Ending a statement that runs: from another thread, with the reason that its client is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from airflow_provider_kafka_odps.local.errors import SqlError


class Interruptible(Protocol):
    """What runs a query: a cursor of DuckDB."""

    def interrupt(self) -> None:
        """End the query that runs now, if there is one."""
        ...


class Stopping:
    """One statement, as those see it who may end it; `reason` is why it was ended, if it was."""

    def __init__(self) -> None:
        """Let it run."""
        self.reason: SqlError | None = None
        self._lock = Lock()
        self._cursor: Interruptible | None = None

    def stop(self, reason: SqlError) -> None:
        """End it with this reason, unless it was ended with another one; `repeat` until it has noticed."""
        if self.reason is None:
            self.reason = reason
        self.repeat()

    def repeat(self) -> None:
        """Interrupt it once more, if it was ended: between two queries there was nothing to interrupt."""
        with self._lock:
            if self.reason is not None and self._cursor is not None:
                self._cursor.interrupt()

    def check(self) -> None:
        """Go on, unless the statement was ended.

        Raises SqlError with the reason.
        """
        if self.reason is not None:
            raise self.reason

    @contextmanager
    def watched(self, cursor: Interruptible) -> Iterator[None]:
        """Run a query on this cursor while the `with` block runs.

        Raises SqlError with the reason when the statement was ended before.
        """
        with self._lock:
            self._cursor = cursor
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._cursor = None
