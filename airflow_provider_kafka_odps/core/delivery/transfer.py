"""The order of effects of one load, on one page."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.committing import (
    commit_rows,
    pass_fence,
    proved_by_rows,
    publish_rejects,
    receipt_for,
    receipt_of,
    record,
)
from airflow_provider_kafka_odps.core.delivery.reconciling import reconcile
from airflow_provider_kafka_odps.core.delivery.settling import settle
from airflow_provider_kafka_odps.core.delivery.window_rows import NO_OFFSET_COLUMNS
from airflow_provider_kafka_odps.core.delivery.writing import WindowLoad
from airflow_provider_kafka_odps.core.history.chain import advance
from airflow_provider_kafka_odps.core.history.planner import Planning, plan
from airflow_provider_kafka_odps.core.journal.entry import HOW_TO_FORGET, Journal, Phase
from airflow_provider_kafka_odps.core.journal.next_step import NextStep, next_step
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import Upload, UploadStatus
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    InvalidMapping,
    RowsDiffer,
    StatementFailed,
    TopicReplaced,
)


def transfer(attempt: Attempt) -> Receipt:
    """Load the window of this task instance exactly once, whatever earlier attempts left behind.

    1. Read the journal. Empty: survey, plan, save ``planned`` before the first record is read.
       Otherwise use its window and nothing else.
    2. Announce the window (XCom).
    3. Ensure table and partition; open a fresh upload; save ``uploading``.
    4. Read, project, write blocks 0…n-1: invisible.
    5. Prove the window complete: all of it read, every offset accounted for, no more rejects than are tolerated, the
       same topic still, not cancelled.
    6. Where there are rejects, save ``publishing`` and make them visible. Save ``committing``: the fence. A superseded
       attempt fails here, before it can commit.
    7. Commit; on any doubt settle.
    8. Save ``committed`` with the receipt.
    9. Hold the table against the receipt, commit the window's ends to the consumer group, return the receipt. A retry
       that finds ``committed`` repeats these and nothing else.
    """
    entry = _recorded(attempt)
    step = next_step(entry, attempt.run.clear_number, attempt.load.on_rerun)
    if entry is None:
        entry = _plan(attempt)
    attempt.ports.announce(entry.window)
    receipt = _after_the_commit(attempt, _take(attempt, entry, step))
    advance(attempt.ports.history, attempt.load.request, receipt.window)
    return receipt


def _take(attempt: Attempt, entry: Journal, step: NextStep) -> Receipt:
    match step:
        case NextStep.PLAN | NextStep.LOAD:
            return _load(attempt, entry)
        case NextStep.PUBLISH:
            return _publish(attempt, entry)
        case NextStep.SETTLE:
            return _settle(attempt, entry)
        case NextStep.REPLACE:
            return _replace(attempt, entry)
        case NextStep.REFUSE:
            raise AlreadyLoaded(
                f"{receipt_of(entry).rows} rows of this run's window are in {entry.target.table} already, by upload "
                f'{entry.upload_id}; on_rerun="fail" loads nothing again'
            )
        case NextStep.KEEP:
            receipt = receipt_of(entry)
            attempt.run.log(
                f"{receipt.rows} rows are already there, by upload {entry.upload_id}; nothing is loaded again"
            )
            return receipt
        case _:
            assert_never(step)


def _recorded(attempt: Attempt) -> Journal | None:
    written = attempt.ports.journal.load()
    if written is None:
        return None
    entry = Journal.from_json(written)
    entry.check_target(attempt.load.target)
    attempt.run.log(f"the recorded window is used (planned at {entry.window.planned_at}, phase {entry.phase})")
    return entry


def _plan(attempt: Attempt) -> Journal:
    load, ports = attempt.load, attempt.ports
    window = plan(Planning(load.request, load.group, ports.history, ports.clock, ports.survey, ports.journal.begin))
    entry = Journal(Phase.PLANNED, load.target, window, attempt.run.clear_number)
    ports.journal.save(entry.to_json())
    return entry


def _load(attempt: Attempt, entry: Journal) -> Receipt:
    ports, cancellation, window = attempt.ports, attempt.run.cancellation, entry.window
    loading = WindowLoad(attempt, window)
    cancellation.begin(loading.progress)
    _check_topic(attempt, window)
    ports.sink.ensure()
    if window.span == 0 and attempt.load.target.mode is Mode.APPEND:
        # Of this clear: otherwise a retry of it would take it for a load that was cleared since.
        entry = replace(entry, clear_number=attempt.run.clear_number)
        return record(attempt, entry, receipt_for(attempt, window, loading.nothing(), upload_id=None))
    upload = ports.sink.open_upload()
    entry = entry.uploading(upload.id, attempt.run.clear_number)
    ports.journal.save(entry.to_json())
    loaded = loading.write(upload)
    _check_topic(attempt, window)
    cancellation.check()
    if not loaded.blocks:
        return record(attempt, entry, receipt_for(attempt, window, loaded, upload_id=None))
    # From here on the commit's own deadline counts.
    cancellation.lift()
    entry = pass_fence(attempt, entry, receipt_for(attempt, window, loaded, upload.id))
    return commit_rows(attempt, entry, upload)


def _publish(attempt: Attempt, entry: Journal) -> Receipt:
    """Go on where rejects were being made visible: the rows are not, for nobody has passed the fence."""
    published = publish_rejects(attempt, entry)
    upload = _attach(attempt, entry)
    if not published or _status(attempt, upload) is UploadStatus.GONE:
        # What became visible of the rejects is replaced.
        return _load(attempt, entry)
    attempt.run.cancellation.check()
    entry = entry.committing(receipt_of(entry))
    attempt.ports.journal.save(entry.to_json())
    return _rerun(attempt, entry, commit_rows(attempt, entry, upload))


def _attach(attempt: Attempt, entry: Journal) -> Upload:
    assert entry.upload_id is not None, "a journal has its upload id behind phase uploading"
    return attempt.ports.sink.attach_upload(entry.upload_id)


def _status(attempt: Attempt, upload: Upload) -> UploadStatus:
    clock = attempt.ports.clock
    return settle(upload, clock, clock.monotonic() + attempt.load.commit_timeout)


def _settle(attempt: Attempt, entry: Journal) -> Receipt:
    """Finish what an earlier attempt left in doubt, before anything else is done."""
    upload = _attach(attempt, entry)
    match _status(attempt, upload):
        case UploadStatus.CLOSED:
            receipt = record(attempt, entry, receipt_of(entry), CommitProof.SETTLED)
        case UploadStatus.NORMAL | UploadStatus.CLOSING:
            attempt.run.cancellation.check()
            # Blocks are written before the phase `committing` only, so this upload is complete.
            receipt = commit_rows(attempt, entry, upload)
        case UploadStatus.GONE:
            if not proved_by_rows(attempt, entry):
                return _load(attempt, entry)
            receipt = record(attempt, entry, receipt_of(entry), CommitProof.PROVED)
        case status:
            assert_never(status)
    return _rerun(attempt, entry, receipt)


def _rerun(attempt: Attempt, entry: Journal, receipt: Receipt) -> Receipt:
    """Do what a click on "Clear" asks for, now that the load that it found in doubt is committed."""
    entry = entry.committed(receipt)
    step = next_step(entry, attempt.run.clear_number, attempt.load.on_rerun)
    return receipt if step is NextStep.KEEP else _take(attempt, entry, step)


def _replace(attempt: Attempt, entry: Journal) -> Receipt:
    """Remove the window's rows, then load them again; a crash in between is gone on from by the next attempt."""
    if entry.upload_id is None:
        # A load of no rows has left none to remove.
        return _load(attempt, entry)
    if entry.statement_id is None:
        entry = _remove(attempt, entry)
    assert entry.statement_id is not None, "a removal that was started has an id"
    if refusal := attempt.ports.window_rows.await_removal(entry.statement_id):
        attempt.ports.journal.save(entry.removal_failed().to_json())
        raise StatementFailed(f"the window's rows could not be removed, they are as they were: {refusal}")
    return _load(attempt, entry)


def _remove(attempt: Attempt, entry: Journal) -> Journal:
    rows, journal, clear_number = attempt.ports.window_rows, attempt.ports.journal, attempt.run.clear_number
    found, wrote = rows.count(entry.window), receipt_of(entry).rows
    if found is None:
        raise InvalidMapping(NO_OFFSET_COLUMNS)
    if found.rows > wrote:
        raise RowsDiffer(
            f"{entry.target.table} has {found.rows} rows with partitions and offsets of the window, but upload "
            f"{entry.upload_id} wrote {wrote}: some are from another topic or another load. None was removed"
        )
    entry = entry.replacing(clear_number)
    journal.save(entry.to_json())
    attempt.run.log(f"{found.rows} rows of the window are removed, to be loaded again")
    # Under its name it runs once: an attempt that died here may have started it, and one that was superseded here may
    # start it yet. A second one would remove what is loaded now.
    entry = entry.replacing(clear_number, rows.start_removal(entry.window, entry.removal))
    journal.save(entry.to_json())
    return entry


def _after_the_commit(attempt: Attempt, receipt: Receipt) -> Receipt:
    load, ports = attempt.load, attempt.ports
    if load.reconcile and receipt.upload_id is not None:
        overwritten = load.target.mode is Mode.OVERWRITE
        receipt = replace(receipt, reconciled=reconcile(receipt, ports.visible_rows, overwritten=overwritten))
        by = f"the table shows {receipt.rows} rows, counted by {receipt.reconciled}"
        attempt.run.log(by if receipt.reconciled else "the table does not tell the rows of this load from others")
    if load.commit_to_group:
        ports.commit_ends(receipt.window)
    return receipt


def _check_topic(attempt: Attempt, window: Window) -> None:
    topic_id = attempt.ports.source.topic_id(window.topic)
    if topic_id != window.topic_id:
        raise TopicReplaced(
            f"topic {window.topic} was deleted and created again since the window was planned: its id was "
            f"{window.topic_id} and is {topic_id} now. The window's offsets name other records; nothing was committed. "
            f"{HOW_TO_FORGET}"
        )
