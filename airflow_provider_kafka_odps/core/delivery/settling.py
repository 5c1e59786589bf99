"""Committing an upload, and learning what became of a commit whose answer is an error or never came."""

from __future__ import annotations

from typing import assert_never
from zlib import crc32

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof
from airflow_provider_kafka_odps.core.upload import Upload, UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitPending, CommitRejected, CommitUnknown, Unreachable

# A receipt names what settling found: a DAG that is parsed must not pay for pyarrow.


POLL_SECONDS = 1.0


_BETWEEN_COMMITS = Backoff(first=POLL_SECONDS, longest=30.0)


COMMIT_TRIES = 3
"""How often a commit may be refused; one that is not answered, or told to come later, has until its deadline."""


def commit(upload: Upload, blocks: int, clock: Clock, deadline: float) -> CommitProof:
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
            return CommitProof.ANSWERED
        match settle(upload, clock, deadline):
            case UploadStatus.CLOSED:
                return CommitProof.SETTLED
            case UploadStatus.GONE:
                raise CommitUnknown(
                    f"upload {upload.id}: the commit was answered by: {refusal}; the session is gone now, "
                    "so it cannot say whether its rows are visible"
                ) from refusal
            case UploadStatus.NORMAL | UploadStatus.CLOSING:
                pause = _BETWEEN_COMMITS.pause(tries, _jitter(upload.id, tries))
                if refusals == COMMIT_TRIES or clock.monotonic() + pause >= deadline:
                    raise CommitRejected(
                        f"upload {upload.id} is still open, none of its rows are visible: {tries} commits failed, the "
                        f"last by: {refusal}. The next attempt commits this same upload"
                    ) from refusal
                # Committing once more is safe: a late first commit would make this one conflict, not apply twice.
                clock.sleep(pause)
            case status:
                assert_never(status)


def _jitter(upload_id: str, tries: int) -> float:
    """Return a number from 0 to 1: every upload waits a little differently, so that few meet."""
    return crc32(f"{upload_id} {tries}".encode()) / 2**32


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
