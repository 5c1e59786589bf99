"""The sections of a load for both: the reader of the task's log, and that of its trace."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from airflow_provider_kafka_odps.core.delivery.sections import Known, Section
from airflow_provider_kafka_odps.transfers.runtime.telemetry.log_groups import LogGroups
from airflow_provider_kafka_odps.transfers.runtime.telemetry.spans import Spans


class ShownSections:
    """Groups of the log and spans of the trace; the last ones end when the block is left, whatever the reason."""

    def __init__(self, log: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """Take what writes a line into the task's log, and what writes a warning."""
        self._groups, self._spans = LogGroups(log, warn), Spans(log)
        self._section: Section | None = None
        self.warn = self._groups.warn

    def __enter__(self) -> Self:
        """Begin with the first one: what is wrong with the parameters is found on the way to a window."""
        self.begin(Section.PLAN)
        return self

    def begin(self, section: Section, known: Known | None = None) -> None:
        """End the section before and begin this one; one that has begun already goes on."""
        if section is not self._section:
            self.end()
            self._spans.begin(section)
            self._groups.begin(section)
            self._section = section
        if known is not None:
            self.tell(known)

    def tell(self, known: Known) -> None:
        """Add what is known by now to the span."""
        self._spans.tell(known)

    def end(self, error: BaseException | None = None) -> None:
        """End the section, if one has begun: its group first, so that what comes next is in none."""
        if self._section is not None:
            self._section = None
            self._groups.end()
            self._spans.end(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the section that the error was raised in, or the last one."""
        self.end(error)
