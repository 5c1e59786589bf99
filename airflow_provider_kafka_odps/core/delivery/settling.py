"""Committing an upload, and learning what became of a commit whose answer is an error or never came.

An overwrite that is in doubt for a while may come late: what somebody has written since is newer, and is not covered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never
from zlib import crc32

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import Upload, UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    BlocksDiffer,
    CommitPending,
    CommitRejected,
    CommitUnknown,
    NewerRows,
    Unreachable,
)

WAYS_ON = (
    "Clear the task to load its window once more, over what is there now; mark it as success to leave what is there"
)

POLL_SECONDS = 1.0


_BETWEEN_COMMITS = Backoff(first=POLL_SECONDS, longest=30.0)


COMMIT_TRIES = 3
"""How often a commit may be refused; one that is not answered, or told to come later, has until its deadline."""


def commit(
    upload: Upload,
    blocks: int,
    clock: Clock,
    deadline: float,
    objection: Callable[[], Exception | None] = lambda: None,
    *,
    asked_before: bool = False,
) -> CommitProof:
    """Commit and, on any doubt, settle; return only when the rows are visible.

    ``deadline`` is an instant of ``clock.monotonic()``. ``objection`` returns what to raise in place of another
    commit, if anything; ``asked_before``: an earlier attempt may have asked for the commit.
    Raises CommitRejected when the session is still open after a few refusals or at the deadline, and CommitUnknown when
    nobody can say; BlocksDiffer where the session never had the right blocks, so that nobody has asked for its commit.
    """
    tries = refusals = 0
    asked = asked_before
    while True:
        tries += 1
        try:
            upload.commit(blocks)
        except (CommitRejected, Unreachable) as error:
            refusal = error
            refusals += isinstance(error, CommitRejected)
            asked = asked or not isinstance(error, BlocksDiffer)
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
                    raise _given_up(upload, tries, refusal, asked=asked) from refusal
                # Committing once more is safe: a late first commit would make this one conflict, not apply twice.
                clock.sleep(pause)
                objects = objection()
                # Of an upload that is open afterwards, what was seen is not its own doing.
                if objects is not None and settle(upload, clock, deadline) is UploadStatus.NORMAL:
                    raise objects from refusal
            case status:
                assert_never(status)


def _given_up(upload: Upload, tries: int, refusal: Exception, *, asked: bool) -> CommitRejected:
    if isinstance(refusal, BlocksDiffer) and not asked:
        return BlocksDiffer(f"{refusal}, and no commit of it was sent")
    later = "The next attempt commits this same upload. If it is refused for good, because the table was changed since"
    if isinstance(refusal, BlocksDiffer):
        later = "A commit of it may have been sent before, so the window is not loaded again yet"
    return CommitRejected(
        f"upload {upload.id} is still open, none of its rows are visible: {tries} commits failed, the last by: "
        f"{refusal}. {later}: the session expires 24 hours after it was opened, and an attempt after that goes on"
    )


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


def receipt_of(entry: Journal) -> Receipt:
    """Return what an upload that is, or was, to be committed had proved."""
    assert entry.receipt is not None, "a journal has its receipt from phase committing on"
    return entry.receipt


def attach(attempt: Attempt, entry: Journal) -> Upload:
    """Return the recorded upload, alive or not."""
    assert entry.upload_id is not None, "a journal has its upload id behind phase uploading"
    if entry.staged is not None and attempt.ports.staging is not None:
        # An earlier attempt, perhaps of another run for the interval, has chosen where.
        return attempt.ports.staging.rows.attach_upload(entry.staged, entry.upload_id)
    return attempt.ports.sink.attach_upload(entry.upload_id)


def status_of(attempt: Attempt, upload: Upload) -> UploadStatus:
    """Return the final status of an upload; raises CommitPending where it has none in time."""
    clock = attempt.ports.clock
    return settle(upload, clock, clock.monotonic() + attempt.load.commit_timeout)


def before_the_fence(attempt: Attempt, entry: Journal, receipt: Receipt) -> Journal:
    """Return the entry with what tells a later attempt whether the table has changed since."""
    nowhere = attempt.ports.staging is not None and not receipt.written
    # Without a partition it would be looked at all of them, most of which are of others.
    if attempt.load.target.mode is not Mode.OVERWRITE or nowhere:
        return entry
    return entry.seen(_shown(attempt, receipt).last_change())


def _shown(attempt: Attempt, receipt: Receipt) -> VisibleRows:
    """Return what everybody can see of the places that an overwrite is for."""
    staging = attempt.ports.staging
    return attempt.ports.visible_rows if staging is None else staging.show(receipt.written)


def newer_rows(attempt: Attempt, entry: Journal) -> NewerRows | None:
    """Return what to raise if the upload is still open: somebody else has written since it passed the fence.

    To be asked for before the session's status: of an upload that is open afterwards, the change cannot be its own.
    Raises CommitPending where the table cannot be asked.
    """
    if entry.last_change is None:
        return None
    now = _last_change(attempt, entry)
    if now == entry.last_change:
        return None
    return NewerRows(
        f"upload {entry.upload_id} was to overwrite {_place(entry)} and was not committed; somebody has written there "
        f"since ({entry.last_change}; now {now}): to commit it now would put older rows in place of newer ones. "
        f"Nothing was committed. {WAYS_ON}"
    )


def proved_to_be_there(attempt: Attempt, entry: Journal, receipt: Receipt) -> bool:
    """Tell of an overwrite whose session is gone whether its rows are there; False: the window is to be loaded again.

    Raises CommitUnknown where the rows may be another's, unless a person has cleared the task since.
    """
    if entry.last_change is None or _last_change(attempt, entry) == entry.last_change:
        # Nobody has written, not even this upload; or a release before did not look.
        return False
    rows = attempt.ports.visible_rows.rows()
    found = attempt.ports.window_rows(receipt.found_by).count(entry.window) if rows == receipt.rows else None
    if found is not None and found.rows == found.offsets == receipt.rows:
        return True
    if attempt.run.clear_number > entry.clear_number:
        return False
    raise CommitUnknown(
        f"upload {entry.upload_id} was to overwrite {_place(entry)} with {receipt.rows} rows and is gone now; somebody "
        f"has written there since it passed the fence, it or another load: {rows} rows are there. Nothing is loaded "
        f"over them. {WAYS_ON}"
    )


def _last_change(attempt: Attempt, entry: Journal) -> str:
    try:
        return _shown(attempt, receipt_of(entry)).last_change()
    except Unreachable as error:
        raise CommitPending(
            f"upload {entry.upload_id}: whether somebody has written to {_place(entry)} since could not be learned: "
            f"{error}. The next attempt asks again before it commits anything"
        ) from error


def _place(entry: Journal) -> str:
    target = entry.target
    return f"{target.table} ({target.partition})" if target.partition else target.table
