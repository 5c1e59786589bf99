"""What became of a statement that was started: how it ended, as far as the service says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """How a statement ended, or that it did not."""

    RUNNING = "running"
    """Not ended before the deadline."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Or cancelled; an INSERT INTO may have left rows behind."""
    CONFLICTED = "conflicted"
    """Failed, because another writer of the table was first."""
    FORGOTTEN = "forgotten"
    """The service does not know it any more, so it has ended long ago."""


@dataclass(frozen=True, slots=True)
class StatementEnd:
    """The fate of a statement, and the service's words for it."""

    fate: Fate
    words: str = ""
