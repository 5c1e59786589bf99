"""The order of effects of one load, on one page."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.committing import (
    commit_rows,
    make_visible,
    pass_fence,
    proved_by_rows,
    publish_rejects,
    receipt_for,
    record,
)
from airflow_provider_kafka_odps.core.delivery.log_identity import check_log
from airflow_provider_kafka_odps.core.delivery.merging.overwriting import check_own, with_emptied
from airflow_provider_kafka_odps.core.delivery.reconciling import reconcile
from airflow_provider_kafka_odps.core.delivery.replacing.fewer_rows import refuse_fewer_rows
from airflow_provider_kafka_odps.core.delivery.replacing.replacing import check_replaceable, removes
from airflow_provider_kafka_odps.core.delivery.sections import Section
from airflow_provider_kafka_odps.core.delivery.settling import attach, newer_rows, receipt_of, status_of
from airflow_provider_kafka_odps.core.delivery.writing import WindowLoad
from airflow_provider_kafka_odps.core.history.planner import Planning, plan
from airflow_provider_kafka_odps.core.history.task_chain import advance
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.next_step import AFTER_FAIL, NextStep, next_step
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt, speed_line
from airflow_provider_kafka_odps.core.journal.recorded import differences
from airflow_provider_kafka_odps.core.journal.window_text import window_line
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.ahead import SCANNED
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import AlreadyLoaded, NewerRows

if TYPE_CHECKING:
    import pyarrow as pa


def transfer(attempt: Attempt) -> Receipt:
    """Load the window of this task instance exactly once, whatever earlier attempts left behind.

    1. Read the journal. Empty: survey, plan, save ``planned`` before the first record is read.
       Otherwise use its window and nothing else.
    2. Announce the window (XCom); the log has it since it is known.
    3. Ensure table and partition; open a fresh upload; save ``uploading``.
    4. Read, project, write blocks 0…n-1: invisible.
    5. Prove the window complete: all of it read, every offset accounted for, no more rejects than are tolerated, the
       same topic and log still, not cancelled.
    6. Where rows of an earlier load are replaced, save ``replacing`` and remove them. Where there are rejects, save
       ``publishing`` and make them visible. Save ``committing``: the fence. A superseded attempt fails at the first of
       these, before it can remove or commit.
    7. Commit; on any doubt settle. Where records say their partitions, that was a staging table: save ``merging``, and
       move the rows from there by one statement under a name; on any doubt settle that.
    8. Save ``committed`` with the receipt.
    9. Hold the table against the receipt, commit the window's ends to the consumer group, return the receipt. A retry
       that finds ``committed`` repeats these and nothing else.
    """
    sections = attempt.ports.sections
    sections.begin(Section.PLAN, attempt.load.target)
    entry = _recorded(attempt)
    step = next_step(entry, attempt.run.clear_number, attempt.load.on_rerun)
    if entry is None:
        entry = _plan(attempt)
    sections.tell(entry)
    attempt.ports.announce(entry.window)
    receipt = _after_the_commit(attempt, _take(attempt, entry, step))
    advance(attempt.ports.history, attempt.load.request, receipt.window)
    sections.end()
    if receipt.limit and step is not NextStep.KEEP:
        attempt.run.log(speed_line(receipt))
    return receipt


def _take(attempt: Attempt, entry: Journal, step: NextStep) -> Receipt:
    match step:
        case NextStep.PLAN | NextStep.LOAD:
            return _load(attempt, entry)
        case NextStep.PUBLISH:
            return _publish(attempt, entry)
        case NextStep.SETTLE:
            return _settle(attempt, entry)
        case NextStep.MERGE:
            attempt.run.cancellation.check()
            return _make_visible(attempt, entry)
        case NextStep.REPLACE:
            return _replace(attempt, entry)
        case NextStep.REFUSE:
            receipt = _there(entry)
            raise AlreadyLoaded(
                f"{receipt.rows} rows of this run's window are in {entry.target.table} already, by upload "
                f"{receipt.upload_id}; on_rerun='fail' loads nothing again. {AFTER_FAIL[entry.target.mode]}"
            )
        case NextStep.KEEP:
            receipt = _there(entry)
            if entry.phase is not Phase.COMMITTED:
                attempt.ports.journal.save(entry.kept(attempt.run.clear_number).to_json())
            attempt.ports.sections.end()
            attempt.run.log(f"{receipt.rows} rows are already there, {receipt.by_upload}; nothing is loaded again")
            return receipt
        case _:
            assert_never(step)


def _there(entry: Journal) -> Receipt:
    return receipt_of(entry) if entry.visible is None else entry.visible


def _recorded(attempt: Attempt) -> Journal | None:
    written = attempt.ports.journal.load()
    if written is None:
        return None
    entry = Journal.from_json(written)
    attempt.run.log(window_line(entry.window))
    entry.check_target(attempt.load.target)
    attempt.run.log(f"the recorded window is used (planned at {entry.window.planned_at}, phase {entry.phase})")
    if differs := differences(entry.window, attempt.load.request):
        attempt.run.warn(
            f"the parameters ask for another window than the one that is recorded for this run: {'; '.join(differs)}. "
            "The recorded one is loaded, or kept; what is asked for now is loaded by another run, or by nobody"
        )
    return entry


def _plan(attempt: Attempt) -> Journal:
    load, ports = attempt.load, attempt.ports

    def scan(window: Window) -> Generator[pa.RecordBatch]:
        # What this passes over is not of the read that is accounted for.
        return ports.source.read(window, SCANNED, Evidence())

    begin = ports.journal.begin
    window = plan(Planning(load.request, load.group, ports.history, ports.clock, ports.survey, begin, scan))
    attempt.run.log(window_line(window))
    if window.possibly_missing:
        attempt.run.log(f"on_data_loss='skip': {', '.join(window.possibly_missing)} may be lost; the log cannot tell")
    if window.left_out:
        attempt.run.log(f"so far this task has planned no window for {' and '.join(window.left_out)}")
    window = replace(window, epochs=ports.epochs(window)) if window.span else window
    entry = Journal(Phase.PLANNED, load.target, window, attempt.run.clear_number)
    ports.journal.save(entry.to_json())
    return entry


def _load(attempt: Attempt, entry: Journal) -> Receipt:
    ports, cancellation = attempt.ports, attempt.run.cancellation
    entry = entry.again(attempt.run.clear_number)
    ports.sections.begin(Section.LOAD, entry)
    loading = WindowLoad(attempt, entry.window, replaces=entry.replaces is not None)
    cancellation.begin(loading.progress)
    check_own(attempt, entry)
    entry = check_log(attempt, entry)
    window = entry.window
    ports.sink.ensure()
    removable = 0
    if removes(entry):
        removable = check_replaceable(attempt, entry)
        cancellation.check()
    elif window.span == 0 and attempt.load.target.mode is Mode.APPEND:
        return record(attempt, entry, receipt_for(attempt, window, loading.nothing(), upload_id=None))
    upload = ports.sink.open_upload()
    routing = attempt.load.routing
    entry = entry.uploading(upload.id, None if routing is None else routing.staged)
    ports.sections.tell(entry)
    ports.journal.save(entry.to_json())
    loaded = loading.write(upload)
    check_log(attempt, entry, read=True)
    cancellation.check()
    if not loaded.blocks:
        return record(attempt, entry, receipt_for(attempt, window, loaded, upload_id=None))
    receipt = with_emptied(attempt, receipt_for(attempt, window, loaded, upload.id))
    ports.sections.tell(receipt)
    refuse_fewer_rows(attempt, entry, receipt, removable)
    ports.sections.begin(Section.COMMIT, receipt)
    # From here on the commit's own deadline counts.
    cancellation.lift()
    entry = pass_fence(attempt, entry, receipt)
    return commit_rows(attempt, entry, upload)


def _publish(attempt: Attempt, entry: Journal) -> Receipt:
    """Go on where rejects were being made visible: the rows are not, for nobody has passed the fence."""
    attempt.ports.sections.begin(Section.COMMIT, entry)
    published = publish_rejects(attempt, entry)
    newer = newer_rows(attempt, entry)
    upload = attach(attempt, entry)
    if not published or status_of(attempt, upload) is UploadStatus.GONE:
        # What became visible of the rejects is replaced.
        return _load(attempt, entry)
    if newer is not None:
        return _over(attempt, entry, newer)
    attempt.run.cancellation.check()
    entry = entry.committing(receipt_of(entry))
    attempt.ports.journal.save(entry.to_json())
    return _rerun(attempt, entry, commit_rows(attempt, entry, upload))


def _settle(attempt: Attempt, entry: Journal) -> Receipt:
    """Finish what an earlier attempt left in doubt, before anything else is done."""
    attempt.ports.sections.begin(Section.COMMIT, entry)
    newer = newer_rows(attempt, entry)
    upload = attach(attempt, entry)
    match status_of(attempt, upload):
        case UploadStatus.CLOSED:
            return _make_visible(attempt, entry)
        case UploadStatus.NORMAL | UploadStatus.CLOSING if newer is not None:
            return _over(attempt, entry, newer)
        case UploadStatus.NORMAL | UploadStatus.CLOSING:
            attempt.run.cancellation.check()
            # Blocks are written before the phase `committing` only, so this upload is complete.
            receipt = commit_rows(attempt, entry, upload, asked_before=True)
        case UploadStatus.GONE:
            if not proved_by_rows(attempt, entry):
                return _load(attempt, entry)
            receipt = record(attempt, entry, receipt_of(entry), CommitProof.PROVED)
        case status:
            assert_never(status)
    return _rerun(attempt, entry, receipt)


def _make_visible(attempt: Attempt, entry: Journal) -> Receipt:
    """Finish what an earlier attempt has committed, where that alone may show nothing."""
    attempt.ports.sections.begin(Section.COMMIT, entry)
    try:
        receipt = make_visible(attempt, entry, receipt_of(entry), CommitProof.SETTLED)
    except NewerRows as newer:
        return _over(attempt, entry, newer)
    return _rerun(attempt, entry, receipt)


def _over(attempt: Attempt, entry: Journal, newer: NewerRows) -> Receipt:
    """Load the window over what others have written, where a person wants it."""
    if attempt.run.clear_number > entry.clear_number:
        return _load(attempt, entry)
    raise newer


def _rerun(attempt: Attempt, entry: Journal, receipt: Receipt) -> Receipt:
    """Do what a click on "Clear" asks for, now that the load that it found in doubt is committed."""
    entry = entry.committed(receipt)
    step = next_step(entry, attempt.run.clear_number, attempt.load.on_rerun)
    return receipt if step is NextStep.KEEP else _take(attempt, entry, step)


def _replace(attempt: Attempt, entry: Journal) -> Receipt:
    """Load the window again, or go on where rows of the load before were being removed."""
    entry = entry.of_this_release()
    if entry.phase is not Phase.REPLACING or entry.receipt == entry.replaces:
        return _load(attempt, entry)
    attempt.ports.sections.begin(Section.COMMIT, entry)
    upload = attach(attempt, entry)
    if status_of(attempt, upload) is UploadStatus.GONE:
        # The rows may be away by now: until they are loaded again.
        return _load(attempt, entry)
    attempt.run.cancellation.check()
    entry = replace(entry, clear_number=attempt.run.clear_number)
    return commit_rows(attempt, pass_fence(attempt, entry, receipt_of(entry)), upload)


def _after_the_commit(attempt: Attempt, receipt: Receipt) -> Receipt:
    load, ports = attempt.load, attempt.ports
    # Where records say their partitions and none got a row, there is none to look into.
    nowhere = ports.staging is not None and not receipt.rows
    if load.reconcile and receipt.upload_id is not None and not nowhere:
        ports.sections.begin(Section.RECONCILE, receipt)
        overwritten = load.target.mode is Mode.OVERWRITE
        # Of a load by another mapping, which a rerun keeps, the rows are where that one has put their coordinates.
        by_offsets = receipt.found_by in (None, load.found_by)
        shown = ports.visible_rows if ports.staging is None else ports.staging.show(receipt.places)
        by_what = reconcile(receipt, shown, overwritten=overwritten, by_offsets=by_offsets)
        receipt = replace(receipt, reconciled=by_what)
        ports.sections.tell(receipt)
        by = f"the table shows {receipt.rows} rows, counted by {receipt.reconciled}"
        attempt.run.log(by if receipt.reconciled else "not counted: no columns for __partition__ and __offset__")
    if load.commit_to_group:
        ports.commit_ends(receipt.window)
    return replace(receipt, differs=differences(receipt.window, load.request))
