"""Committing an upload behind the fence, and writing down that it is committed."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.core.accounting.counts import RejectsUpload
from airflow_provider_kafka_odps.core.accounting.rejects import RejectSink
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.merging.merging import drop_staged, merge
from airflow_provider_kafka_odps.core.delivery.replacing.replacing import make_room, removes
from airflow_provider_kafka_odps.core.delivery.settling import (
    before_the_fence,
    commit,
    newer_rows,
    proved_to_be_there,
    receipt_of,
    settle,
)
from airflow_provider_kafka_odps.core.history.task_chain import chain_entry
from airflow_provider_kafka_odps.core.journal.entry import HOW_TO_FORGET, Journal
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.load.limit import Measured, limit_of
from airflow_provider_kafka_odps.core.load.loaded import Loaded
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import Upload, UploadStatus
from airflow_provider_kafka_odps.core.window.bounds import Previous
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import BlocksDiffer, CommitPending, CommitUnknown, JournalMismatch


def commit_rows(attempt: Attempt, entry: Journal, upload: Upload, *, asked_before: bool = False) -> Receipt:
    """Commit an upload whose blocks are complete, record it, and return the receipt.

    ``asked_before``: the fence was passed by an earlier attempt, which may have asked for the commit.

    Raises CommitRejected and CommitPending, after which the next attempt goes on; BlocksDiffer, after which it loads
    the window again; CommitUnknown, which asks a person to look; NewerRows where the commit would have to be repeated
    over what somebody has written since.
    """
    receipt = receipt_of(entry)
    started = attempt.ports.clock.monotonic()
    try:
        deadline = started + attempt.load.commit_timeout
        learned = commit(
            upload,
            receipt.blocks,
            attempt.ports.clock,
            deadline,
            lambda: newer_rows(attempt, entry),
            asked_before=asked_before,
        )
    except CommitPending:
        raise
    except BlocksDiffer as error:
        # What nobody has asked for cannot come: the fence is taken back.
        attempt.ports.journal.save(entry.uploading(upload.id).to_json())
        raise BlocksDiffer(f"{error}. The next attempt loads the window again") from error
    except CommitUnknown as error:
        if not proved_by_rows(attempt, entry):
            raise CommitPending(f"{error}. The next attempt loads the window again") from error
        learned = CommitProof.PROVED
    return make_visible(attempt, entry, _spent(attempt, receipt, started), learned)


def make_visible(attempt: Attempt, entry: Journal, receipt: Receipt, learned: CommitProof) -> Receipt:
    """Move the rows to where they belong, if the upload's commit has not done it; record it, and return the receipt.

    Raises as ``merge`` does.
    """
    if entry.staged is None:
        return record(attempt, entry, receipt, learned)
    started = attempt.ports.clock.monotonic()
    receipt, learned = merge(attempt, entry, receipt)
    receipt = record(attempt, entry, _spent(attempt, receipt, started), learned)
    drop_staged(attempt, entry)
    return receipt


def pass_fence(attempt: Attempt, entry: Journal, receipt: Receipt) -> Journal:
    """Remove the rows that are replaced, make the rejects visible, save ``committing``; return that entry.

    A superseded attempt fails here. Raises CommitPending where the upload of the rejects is gone; the next attempt
    loads the window again.
    """
    if removes(entry):
        # Before the rejects: those of the rows that are visible are to stay beside them.
        entry = make_room(attempt, entry, receipt)
    entry = before_the_fence(attempt, entry, receipt)
    if receipt.rejected_to is not None:
        entry = entry.publishing(receipt)
        attempt.ports.journal.save(entry.to_json())
        started = attempt.ports.clock.monotonic()
        if not publish_rejects(attempt, entry):
            raise CommitPending(
                f"upload {receipt.rejected_to.upload_id} of {receipt.rejected_to.rows} rejects to "
                f"{receipt.rejected_to.place} is gone; no rows were committed. The next attempt loads the window again"
            )
        receipt = _spent(attempt, receipt, started)
    entry = entry.committing(receipt)
    attempt.ports.journal.save(entry.to_json())
    return entry


def publish_rejects(attempt: Attempt, entry: Journal) -> bool:
    """Make the rejects of a recorded load visible; False where their upload is gone."""
    rejected_to = receipt_of(entry).rejected_to
    assert rejected_to is not None, "a journal in phase publishing has rejects"
    attempt.run.log(f"{rejected_to.rows} rejects go to {rejected_to.place}, by upload {rejected_to.upload_id}")
    return publish(attempt.ports.rejects, rejected_to, attempt.ports.clock, attempt.load.commit_timeout)


def _spent(attempt: Attempt, receipt: Receipt, started: float) -> Receipt:
    spent = receipt.seconds.get("commit", 0.0) + attempt.ports.clock.monotonic() - started
    return replace(receipt, seconds={**receipt.seconds, "commit": spent})


def proved_by_rows(attempt: Attempt, entry: Journal) -> bool:
    """Tell, where the session cannot, whether an upload was committed; False means that its window is to be loaded.

    Raises CommitUnknown where the rows do not say it either.
    """
    receipt = receipt_of(entry)
    if entry.staged is not None:
        attempt.run.log(f"upload {entry.upload_id} to {entry.staged} is gone; nothing was moved from there")
        return False
    if attempt.load.target.mode is Mode.OVERWRITE:
        return proved_to_be_there(attempt, entry, receipt)
    # By the columns of that load: those of today may be others, in which its rows have nothing.
    found, wrote = attempt.ports.window_rows(receipt.found_by).count(entry.window), receipt.rows
    if found is None:
        raise CommitUnknown(_gone(attempt, entry))
    attempt.run.log(f"upload {entry.upload_id} is gone; the table has {found.rows} of the {wrote} rows that it carried")
    if found.rows == 0:
        return False
    if found.rows == found.offsets == wrote:
        return True
    raise CommitUnknown(
        f"{_gone(attempt, entry)}. The table has {found.rows} rows with {found.offsets} different offsets of the "
        "window: neither none nor all of it, once"
    )


def receipt_for(attempt: Attempt, window: Window, loaded: Loaded, upload_id: str | None) -> Receipt:
    """Return what is proved once the upload is committed; None: nothing was written, so there is none."""
    target = attempt.load.target
    measured = Measured(loaded.seconds, loaded.speed, loaded.bytes, window.span, loaded.workers)
    return Receipt(
        window=window,
        table=target.table,
        partition=target.partition,
        mode=target.mode,
        upload_id=upload_id,
        blocks=loaded.blocks,
        partitions=loaded.counts,
        bytes=loaded.bytes,
        not_json=loaded.not_json,
        nulls=loaded.nulls,
        empty_rows=loaded.empty_rows,
        seconds=loaded.seconds,
        missing=loaded.missing,
        offsets=loaded.offsets,
        rejected_to=loaded.rejected_to,
        drift=attempt.load.drift,
        per_partition=loaded.per_partition,
        found_by=attempt.load.found_by,
        workers=loaded.workers,
        speed=replace(loaded.speed, pace=round(measured.pace), lane_pace=round(measured.lane_pace)),
    )


def record(attempt: Attempt, entry: Journal, receipt: Receipt, learned: CommitProof | None = None) -> Receipt:
    """Save ``committed`` with the receipt, which also says how and by which try it was learned; return it."""
    receipt = replace(receipt, attempts=attempt.run.try_number, learned=learned, limit=_limit(receipt))
    attempt.ports.journal.save(entry.committed(receipt).to_json())
    attempt.run.cancellation.lift()
    attempt.ports.sections.tell(receipt)
    attempt.ports.sections.end()
    attempt.run.log(f"{receipt.rows} rows are in {receipt.table}, {receipt.by_upload}")
    return receipt


def _limit(receipt: Receipt) -> str | None:
    if receipt.speed is None:
        return None
    return limit_of(Measured(receipt.seconds, receipt.speed, receipt.bytes, receipt.window.span, receipt.workers))


def _gone(attempt: Attempt, entry: Journal) -> str:
    request, history = attempt.load.request, attempt.ports.history
    chained = isinstance(request.start, Previous)
    key = chain_entry(history, request, entry.window)
    in_chain = f' and put "planned" in the place of "committed" in the entry {key!r} of the table\'s asset' * chained
    return (
        f"Upload {entry.upload_id} was being committed and is gone now, so nobody can say whether its "
        f"{receipt_of(entry).rows} rows are in {entry.target.table}. Look for them; if they are there, mark the task "
        f"as success{in_chain}; if not, forget the window. {HOW_TO_FORGET}"
    )


def publish(sink: RejectSink, wrote: RejectsUpload, clock: Clock, seconds: float) -> bool:
    """Make the rejects visible, unless an earlier attempt has; False: their upload is gone, its fate unknown.

    Either way nothing of this upload becomes visible later: whoever loads the window again has the last word.
    Raises CommitRejected and CommitPending, after which the next attempt asks again, and JournalMismatch where the
    parameters name another place by now.
    """
    if sink.place != wrote.place:
        raise JournalMismatch(
            f"{wrote.rows} rejects of this window were written to {wrote.place}, but the task's parameters now say "
            f"{sink.place}; its rows were not committed. {HOW_TO_FORGET}"
        )
    upload = sink.attach_upload(wrote.upload_id)
    deadline = clock.monotonic() + seconds
    match settle(upload, clock, deadline):
        case UploadStatus.CLOSED:
            return True
        case UploadStatus.GONE:
            return False
        case UploadStatus.NORMAL | UploadStatus.CLOSING:
            pass
        case status:
            assert_never(status)
    try:
        commit(upload, wrote.blocks, clock, deadline)
    except CommitPending:
        raise
    except CommitUnknown:
        return False
    return True
