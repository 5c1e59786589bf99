"""Committing an upload, and learning what became of a commit whose answer is an error or never came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

from airflow_provider_kafka_odps.exceptions import CommitPending, CommitRejected, CommitUnknown, Unreachable

# A receipt names what settling found: a DAG that is parsed must not pay for pyarrow.
if TYPE_CHECKING:
    import pyarrow as pa

POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
COMMIT_TRIES = 3
"""How often a commit may be refused; one that is not answered, or told to come later, has until its deadline."""


class UploadStatus(StrEnum):
    """What the service says of an upload session."""

    NORMAL = "normal"
    """Open: not committed; none of its rows are visible."""
    CLOSING = "closing"
    """A commit is under way."""
    CLOSED = "closed"
    """Committed: all of its rows are visible."""
    GONE = "gone"
    """Expired, broken, or not known: the session cannot tell what became of its blocks."""


class Learned(StrEnum):
    """How it is known that an upload is committed."""

    ANSWERED = "answered"
    """The service said so when it was asked to commit."""
    SETTLED = "settled"
    """The session said so when it was asked for its status."""
    PROVED = "proved by rows"
    """The session is gone; its rows are in the table."""


class Upload(Protocol):
    """One tunnel upload session: blocks that become visible together."""

    @property
    def id(self) -> str:
        """The session's id: any later attempt can ask for its status by it."""

    def write_block(self, number: int, batches: Sequence[pa.RecordBatch]) -> int:
        """Write one block, again under its number where a try failed; return its bytes before compression."""

    def commit(self, blocks: int) -> None:
        """Ask once for blocks 0 to ``blocks - 1`` to be made visible.

        Raises CommitRejected for an answer that says no, Unreachable where no answer came: both are in doubt.
        """

    def status(self) -> UploadStatus:
        """Ask the service once. Raises Unreachable where no answer came."""


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """Return the present instant, with a zone."""

    def monotonic(self) -> float:
        """Return seconds that only go forward."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def commit(upload: Upload, blocks: int, clock: Clock, deadline: float) -> Learned:
    """Commit and, on any doubt, settle; return only when the rows are visible.

    ``deadline`` is an instant of ``clock.monotonic()``.
    Raises CommitRejected when the session is still open after a few refusals or at the deadline, and CommitUnknown when
    nobody can say.
    """
    tries = refusals = 0
    while True:
        tries += 1
        try:
            upload.commit(blocks)
        except (CommitRejected, Unreachable) as error:
            refusal = error
            refusals += isinstance(error, CommitRejected)
        else:
            return Learned.ANSWERED
        match settle(upload, clock, deadline):
            case UploadStatus.CLOSED:
                return Learned.SETTLED
            case UploadStatus.GONE:
                raise CommitUnknown(
                    f"upload {upload.id}: the commit was answered by: {refusal}; the session is gone now, "
                    "so it cannot say whether its rows are visible"
                ) from refusal
            case UploadStatus.NORMAL | UploadStatus.CLOSING:
                pause = _pause(upload.id, tries)
                if refusals == COMMIT_TRIES or clock.monotonic() + pause >= deadline:
                    raise CommitRejected(
                        f"upload {upload.id} is still open, none of its rows are visible: {tries} commits failed, the "
                        f"last by: {refusal}. The next attempt commits this same upload"
                    ) from refusal
                # Committing once more is safe: a late first commit would make this one conflict, not apply twice.
                clock.sleep(pause)


def _pause(upload_id: str, tries: int) -> float:
    """Return the seconds to wait after that many tries; every upload waits a little differently, so that few meet."""
    spread = crc32(f"{upload_id} {tries}".encode()) / 2**32
    return float(min(LONGEST_PAUSE_SECONDS, POLL_SECONDS * 2 ** (tries - 1)) * (0.5 + spread / 2))


def settle(upload: Upload, clock: Clock, deadline: float) -> UploadStatus:
    """Ask until the status is final: NORMAL, CLOSED or GONE.

    Raises CommitPending when it is not before the deadline.
    """
    while True:
        try:
            status = upload.status()
            seen = f"the session is still {status}"
        except Unreachable as error:
            status, seen = UploadStatus.CLOSING, str(error)
        if status is not UploadStatus.CLOSING:
            return status
        if clock.monotonic() >= deadline:
            raise CommitPending(
                f"upload {upload.id}: what became of its commit could not be learned in time: {seen}. "
                "The next attempt asks again before it writes anything"
            )
        clock.sleep(POLL_SECONDS)
