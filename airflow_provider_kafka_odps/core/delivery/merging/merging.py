"""Staged rows become visible: one statement under a name moves all of them into the partitions of their own, or none.

Under its name a statement runs once, whoever starts it and however often; so it is started until the service answers.
What became of it is asked of the service, and where that does not know, of the rows; it is never guessed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.merging.overwriting import empty, has_written, staging_of
from airflow_provider_kafka_odps.core.delivery.settling import receipt_of
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.exceptions import (
    CommitPending,
    CommitRejected,
    CommitUnknown,
    KafkaOdpsError,
    StatementFailed,
)

_BETWEEN_STATEMENTS = Backoff(first=1.0, longest=30.0)


def merge(attempt: Attempt, entry: Journal, receipt: Receipt) -> tuple[Receipt, CommitProof]:
    """Move the rows of a committed upload to where they belong; return only when they are visible.

    Raises CommitRejected where they are surely not, and CommitPending, after which the next attempt goes on; and
    CommitUnknown and NewerRows, which ask a person to look.
    """
    # Without rows there are rejects only, or a window that had nothing.
    learned = CommitProof.ANSWERED
    if receipt.rows:
        entry, learned = _merge(attempt, entry, receipt)
        receipt = receipt_of(entry)
    if receipt.emptied:
        empty(attempt, entry, receipt)
    return receipt, learned


def _merge(attempt: Attempt, entry: Journal, receipt: Receipt) -> tuple[Journal, CommitProof]:
    clock = attempt.ports.clock
    deadline = clock.monotonic() + attempt.load.commit_timeout
    resumed = entry.phase is Phase.MERGING
    if not resumed:
        entry = _begin(attempt, entry, receipt)
    learned = CommitProof.ANSWERED if entry.statement_id is None else CommitProof.SETTLED
    overwrites = entry.target.mode is Mode.OVERWRITE
    while True:
        # An earlier attempt may have started one, and died before it could save its id.
        if overwrites and entry.statement_id is None and has_written(attempt, entry, started=resumed):
            return entry, CommitProof.PROVED
        entry, end = _run(attempt, entry, deadline)
        # Behind the end: what is there still was there for the statement, too.
        whole = end.fate is not Fate.RUNNING and _is_whole(attempt, entry)
        if end.fate is Fate.SUCCEEDED and whole:
            return entry, learned
        if _proved(attempt, entry, end):
            return entry, CommitProof.PROVED
        if not whole:
            raise _gone(attempt, entry)
        if end.fate is Fate.FAILED and attempt.run.clear_number > entry.clear_number:
            raise _given_up(attempt, entry, end)
        learned, resumed = CommitProof.ANSWERED, False
        entry = entry.merge_failed()
        attempt.ports.journal.save(entry.to_json())
        _wait_for_the_next(attempt, entry, end, deadline)


def _begin(attempt: Attempt, entry: Journal, receipt: Receipt) -> Journal:
    """Save ``merging``: from here on the rows may be visible."""
    staged = _staged(entry)
    size = staging_of(attempt).rows.size(staged)
    if not size:
        raise _gone(attempt, entry)
    entry = entry.merging(replace(receipt, staged_bytes=size))
    attempt.ports.journal.save(entry.to_json())
    attempt.run.log(
        f"{receipt.rows} rows, {size} bytes, go from {staged} into {len(receipt.places)} partitions, all at once"
    )
    return entry


def _is_whole(attempt: Attempt, entry: Journal) -> bool:
    """Tell whether what is staged is what was: it has a lifecycle, and a statement over nothing succeeds as well."""
    # Whole or not at all: nobody else writes there. Its size may change, where the service merges files.
    return bool(staging_of(attempt).rows.size(_staged(entry)))


def _run(attempt: Attempt, entry: Journal, deadline: float) -> tuple[Journal, StatementEnd]:
    """Start the statement, or learn of the one that was started under its name, and wait for its end."""
    merges = staging_of(attempt).merges
    if entry.statement_id is None:
        try:
            entry = entry.merging(receipt_of(entry), merges.start(_staged(entry), entry.merge))
        except StatementFailed as error:
            return entry, _refused(attempt, entry, error)
        attempt.ports.journal.save(entry.to_json())
    assert entry.statement_id is not None, "a statement that was started has an id"
    return entry, merges.end(entry.statement_id, deadline - attempt.ports.clock.monotonic())


def _refused(attempt: Attempt, entry: Journal, error: StatementFailed) -> StatementEnd:
    """Return the end of a statement that was not even taken, because nothing is staged; otherwise raise."""
    if not _is_whole(attempt, entry):
        return StatementEnd(Fate.FAILED, f"it was refused: {error}")
    raise CommitRejected(
        f"the rows of upload {entry.upload_id} wait in {entry.staged}, none of them is visible: the statement that "
        f"moves them is refused: {error}. The next attempt starts it again"
    ) from error


def _wait_for_the_next(attempt: Attempt, entry: Journal, end: StatementEnd, deadline: float) -> None:
    """Wait until another statement may be started; raise CommitRejected where it may not, or not in time."""
    clock, pause = attempt.ports.clock, _BETWEEN_STATEMENTS.pause(entry.failed_merges)
    if end.fate is Fate.FAILED or clock.monotonic() + pause >= deadline:
        raise CommitRejected(
            f"the rows of upload {entry.upload_id} wait in {entry.staged}, none of them is visible: the statement that "
            f"moves them failed {entry.failed_merges} times, the last by: {end.words}. The next attempt starts it "
            "again, under another name; once the task is cleared, the window is loaded again if that one fails, too"
        )
    attempt.run.log(f"nothing was moved: {end.words}. Once more, in {pause:g} s, under another name")
    clock.sleep(pause)


def _proved(attempt: Attempt, entry: Journal, end: StatementEnd) -> bool:
    """Tell by the rows whether a statement has moved them, whatever is said of it; False: none of them is there.

    Raises CommitPending where it still runs, and CommitUnknown where some are there, or nobody can tell.
    """
    receipt = receipt_of(entry)
    place = f"the statement {entry.merge}, which moves the {receipt.rows} rows of upload {entry.upload_id} from "
    place += f"{entry.staged} to {entry.target.table}"
    match end.fate:
        case Fate.RUNNING:
            raise CommitPending(f"{place}, has not ended in time: {end.words}. The next attempt waits for it")
        case Fate.SUCCEEDED | Fate.FAILED | Fate.CONFLICTED | Fate.FORGOTTEN:
            if entry.target.mode is Mode.OVERWRITE:
                return has_written(attempt, entry, started=True)
            found = staging_of(attempt).find(receipt.found_by, receipt.places).count(entry.window)
        case fate:
            assert_never(fate)
    if found is None:
        if end.fate in (Fate.FAILED, Fate.CONFLICTED):
            attempt.run.warn(
                f"{place}, has failed: {end.words}. Whether it left rows behind cannot be seen: map __partition__ and "
                "__offset__ to columns. MaxCompute says that this happens in extreme cases only"
            )
            return False
        raise CommitUnknown(f"{place}, is {end.fate}: {end.words}. {_LOOK}")
    attempt.run.log(f"{place}, is {end.fate}: {found.rows} of the rows are there")
    if found.rows == 0:
        return False
    if found.rows == found.offsets == receipt.rows:
        return True
    raise CommitUnknown(
        f"{place}, is {end.fate}: {end.words}. There are {found.rows} rows with {found.offsets} different offsets of "
        f"the window: neither none nor all of it, once. {_LOOK}"
    )


_LOOK = (
    "Nobody can say whether its rows are visible: look for them by partition and offset. If all are there, mark the "
    "task as success; if some are, remove them; if none are left, clear the task's state and the task"
)


def _gone(attempt: Attempt, entry: Journal) -> CommitPending:
    """Take the fence back, since nothing has become visible and there is nothing to be moved; return what to raise."""
    _take_back(attempt, entry)
    return CommitPending(
        f"the rows of upload {entry.upload_id} are not in {entry.staged} any more, and none of them is in "
        f"{entry.target.table}. The next attempt loads the window again"
    )


def _given_up(attempt: Attempt, entry: Journal, end: StatementEnd) -> CommitPending:
    """Take the fence back where a person has cleared the task and staged rows cannot be moved; return what to raise.

    Perhaps the mapping was corrected, or the table changed. The statement has run under the name that any other attempt
    could start it by, so nothing of what is staged can become visible any more.
    """
    _take_back(attempt, entry)
    return CommitPending(
        f"the rows of upload {entry.upload_id} cannot be moved from {entry.staged} to {entry.target.table}, where none "
        f"of them is: {end.words}. The task was cleared since they were staged, so the next attempt loads the window "
        "again, by the parameters of today"
    )


def _take_back(attempt: Attempt, entry: Journal) -> None:
    attempt.ports.journal.save(entry.taken_back().to_json())


def drop_staged(attempt: Attempt, entry: Journal) -> None:
    """Remove what was staged, now that it is known where it is; whoever started late has nothing to move then."""
    if entry.staged is None:
        return
    try:
        staging_of(attempt).rows.drop(entry.staged)
    except KafkaOdpsError as error:
        attempt.run.warn(f"{entry.staged} could not be removed, which its lifecycle does in some days: {error}")


def _staged(entry: Journal) -> Staged:
    assert entry.staged is not None, "only what is staged is moved"
    return entry.staged
