"""INSERTs that are to fail after they were accepted: whole, or with a part of their rows left behind."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from airflow_provider_kafka_odps.local.errors import SqlError


class CancelledError(SqlError):
    """A statement that was cancelled while it ran."""


@dataclass(frozen=True, slots=True)
class Doom:
    """How an INSERT is to fail: with these words, such as `ODPS-0123: …`; `part` leaves the rows of one partition."""

    words: str
    part: bool = False
    cancelled: bool = False

    @property
    def error(self) -> SqlError:
        """The failure."""
        code, _, text = self.words.partition(":")
        return (CancelledError if self.cancelled else SqlError)(code, text)


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is to befall the next INSERTs, in their order."""

    waiting: deque[Doom] = field(default_factory=deque)

    def next(self) -> Doom | None:
        """Return what befalls the INSERT that runs now; None: nothing."""
        return self.waiting.popleft() if self.waiting else None
