"""Staged rows in place of what partitions had: these are of one interval, and no other load has rows there.

The statement writes all of them or none, so what it did shows in when they were changed last; rows alone would not tell
it, since those of the load before, by another mapping perhaps, have the same offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.settling import WAYS_ON, newer_rows, receipt_of
from airflow_provider_kafka_odps.core.journal.entry import HOW_TO_FORGET, Journal
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.exceptions import (
    CommitPending,
    CommitRejected,
    JournalMismatch,
    NewerRows,
    RowsDiffer,
    StatementFailed,
)


def staging_of(attempt: Attempt) -> Staging:
    """Return the outside of a load whose rows are staged."""
    staging: Staging | None = attempt.ports.staging
    assert staging is not None, "a load whose rows are staged has where to"
    return staging


def check_own(attempt: Attempt, entry: Journal) -> None:
    """Raise where the partitions that a load may overwrite are not those of its window, or not all that it has filled.

    Raises JournalMismatch where the times that are asked for are not those of the recorded window, and RowsDiffer where
    rows of the load before would stay in partitions that are not of the interval any more.
    """
    routing, before = attempt.load.routing, entry.replaces
    if routing is None or entry.target.mode is not Mode.OVERWRITE:
        return
    request, window = attempt.load.request, entry.window
    recorded, asked = (window.start.asked, window.end.asked), (str(request.start), str(request.end))
    if recorded != asked:
        raise JournalMismatch(
            f"the recorded window is from {' to '.join(recorded)}, and the parameters ask for {' to '.join(asked)} "
            "now: partitions of these times would be overwritten, and emptied, by records of others. Nothing was read, "
            f"and no row was changed. Ask for the recorded times again. {HOW_TO_FORGET}"
        )
    left = [place for place in (before.places if before else ()) if place not in routing.own]
    if before is None or not left:
        return
    staging = staging_of(attempt)
    found = staging.find(before.found_by, left).count(window)
    # Where they cannot be told from others, all of them may be.
    rows = staging.show(left).rows() if found is None else found.rows
    if rows:
        raise RowsDiffer(
            f"{rows} rows are in {before.table} ({'; '.join(map(str, left))}), where upload {before.upload_id} of this "
            "window has put rows, and these partitions are not of the interval by partition_by as it is now: they "
            "would stay beside the new rows, which are the same records. None was removed, and nothing was loaded. "
            "Remove these rows, or the partitions, and clear the task; or load by partition_by as it was"
        )


def with_emptied(attempt: Attempt, receipt: Receipt) -> Receipt:
    """Return a receipt that names the partitions of the window's interval which are to lose their rows and get none."""
    routing = attempt.load.routing
    got = frozenset(receipt.places)
    others = [place for place in (routing.own if routing else ()) if place not in got]
    emptied = tuple(staging_of(attempt).filled(others)) if others else ()
    if not emptied:
        return receipt
    return replace(receipt, emptied=emptied, emptied_change=staging_of(attempt).show(emptied).last_change())


def has_written(attempt: Attempt, entry: Journal, *, started: bool) -> bool:
    """Tell whether a statement has put the staged rows in place of others; False: it surely has not, and does not run.

    ``started``: it may have been started. Raises NewerRows where somebody else has written, or may have: another
    statement could cover what is newer.
    """
    newer = newer_rows(attempt, entry)
    if newer is None:
        return False
    if not started or entry.replaces is not None:
        # Rows of the load before would look like the statement's own.
        raise newer
    receipt, staging = receipt_of(entry), staging_of(attempt)
    found = staging.find(receipt.found_by, receipt.places).count(entry.window)
    if found is None or not found.rows == found.offsets == receipt.rows == staging.show(receipt.places).rows():
        raise newer
    return True


def empty(attempt: Attempt, entry: Journal, receipt: Receipt) -> None:
    """Remove the rows of partitions that got none, unless somebody has written there since that was decided.

    Under its name the statement runs once: an attempt that was superseded here removes nothing that was loaded since.
    Raises CommitRejected where the rows are still there, CommitPending where nobody knows yet, and NewerRows.
    """
    staging, emptied = staging_of(attempt), receipt.emptied
    names = "; ".join(map(str, emptied))
    left = staging.filled(emptied)
    if left and staging.show(emptied).last_change() != receipt.emptied_change:
        raise _written_since(receipt, left)
    attempt.run.log(f"no row of the window belongs into {names}: what was there is removed")
    where = f"{receipt.rows} rows are in {receipt.table}, but those that were in {names} before"
    try:
        end = staging.merges.empty(emptied, f"empty-{entry.upload_id}-{entry.failed_removals}")
    except StatementFailed as error:
        end = StatementEnd(Fate.FAILED, str(error))
    if end.fate is Fate.RUNNING:
        raise CommitPending(f"{where} are still being removed: {end.words}. The next attempt waits for it")
    # One that was dropped by then has nothing to lose, and the statement fails.
    left = staging.filled(emptied)
    if not left:
        return
    if end.fate is Fate.SUCCEEDED:
        raise _written_since(receipt, left)
    entry = replace(entry, failed_removals=entry.failed_removals + 1)
    attempt.ports.journal.save(entry.to_json())
    raise CommitRejected(f"{where} are not removed: {end.words}. The next attempt goes on here")


def _written_since(receipt: Receipt, left: Sequence[PartitionSpec]) -> NewerRows:
    return NewerRows(
        f"{receipt.rows} rows of upload {receipt.upload_id} are in {receipt.table}. No row of the window belongs into "
        f"{'; '.join(map(str, left))}, where rows were to be removed, and somebody has written there since: these are "
        f"newer, and stay. {WAYS_ON}"
    )
