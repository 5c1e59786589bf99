"""The sections of a load as groups of the task's log, which Airflow's page folds (docs/operations.md)."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kafka_odps.core.delivery.sections import Section


class LogGroups:
    """Writes the lines between which Airflow's page folds the log; the name behind the first one is the title.

    Warnings come behind the group in which they were found: nobody unfolds the log of a task that has succeeded.
    """

    def __init__(self, log: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """Take what writes a line into the task's log, and what writes a warning."""
        self._log, self._warn = log, warn
        self._open = False
        self._kept: list[str] = []

    def begin(self, section: Section) -> None:
        """Begin a group; the one before has ended."""
        self._log(f"::group::{section}")
        self._open = True

    def warn(self, line: str) -> None:
        """Write a warning, or keep it until the group has ended."""
        if self._open:
            self._kept.append(line)
        else:
            self._warn(line)

    def end(self) -> None:
        """End the group, and write the warnings that were kept."""
        self._log("::endgroup::")
        self._open = False
        kept, self._kept = self._kept, []
        for line in kept:
            self._warn(line)
