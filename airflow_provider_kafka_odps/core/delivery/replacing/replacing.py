"""Rows of an earlier load make room for those of a new one: not before these are proved complete."""

from __future__ import annotations

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.window_rows import NO_OFFSET_COLUMNS, FoundRows, WindowRows
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnFewerRows
from airflow_provider_kafka_odps.core.window.facts import Questions
from airflow_provider_kafka_odps.core.window.losses import losses
from airflow_provider_kafka_odps.core.window.losses import refusal as lost
from airflow_provider_kafka_odps.exceptions import InvalidMapping, RowsDiffer, StatementFailed

_FORGIVEN = ". Where they were removed on purpose, on_fewer_rows='replace' loads the window again all the same"


def removes(entry: Journal) -> bool:
    """Tell whether rows of an earlier load have to be removed before those of this one are committed."""
    return entry.replaces is not None and entry.target.mode is Mode.APPEND


def check_replaceable(attempt: Attempt, entry: Journal) -> int:
    """Return how many rows are to be replaced; raise, with the rows untouched, where they cannot be.

    Raises RowsDiffer for rows that are not the load's, and what the plan of a window would raise where the log does not
    have the whole window any more: "skip" alone is about records, not about rows that are in the table.
    """
    found, before = _count(attempt, entry), _replaced(entry)
    load = attempt.load
    replaced = load.on_fewer_rows is OnFewerRows.REPLACE
    # Of a load whose columns are known, what is not found is not there; of others it may be there all the same.
    accepted = entry.removing or (replaced and before.found_by is not None)
    if found.rows < before.rows and not accepted:
        raise RowsDiffer(
            f"{entry.target.table} has {found.rows} rows with partitions and offsets of the window, but upload "
            f"{before.upload_id} wrote {before.rows}: the others were removed since, or their partition and offset "
            "are not in the columns that are mapped to them now. None was removed, and nothing was loaded"
            + _FORGIVEN
            * (before.found_by is not None)
        )
    if not found.rows or (replaced and load.request.on_data_loss is OnDataLoss.SKIP):
        return found.rows
    facts = attempt.ports.survey(entry.window.topic, Questions())
    if gone := list(losses(entry.window.ranges, facts)):
        raise lost(gone, f"The {found.rows} rows of upload {before.upload_id} stay in {entry.target.table}")
    return found.rows


def make_room(attempt: Attempt, entry: Journal, receipt: Receipt) -> Journal:
    """Remove the rows of the load before, now that those of this one are complete; return the entry.

    Under its name the statement runs once: an attempt that died here may have started it, and one that was superseded
    here may start it yet. A second one would remove what is committed by then.
    Raises StatementFailed and RowsDiffer; the next attempt goes on here.
    """
    rows, journal = _rows_of(attempt, _replaced(entry)), attempt.ports.journal
    if entry.statement_id is None:
        found = _count(attempt, entry)
        entry = entry.replacing(receipt)
        journal.save(entry.to_json())
        attempt.run.log(
            f"{found.rows} rows of upload {_replaced(entry).upload_id} are removed, {receipt.rows} replace them"
        )
        entry = entry.replacing(receipt, rows.start_removal(entry.window, entry.removal))
        journal.save(entry.to_json())
    assert entry.statement_id is not None, "a removal that was started has an id"
    _check_removed(attempt, entry, rows.await_removal(entry.statement_id))
    return entry


def _check_removed(attempt: Attempt, entry: Journal, refusal: str | None) -> None:
    """Raise unless none of the window's rows is left, whatever is said of the statement that was to remove them."""
    before = _replaced(entry)
    found = _rows_of(attempt, before).count(entry.window)
    left = before.rows if found is None else found.rows
    if not left:
        return
    untouched = refusal is not None and left == before.rows
    attempt.ports.journal.save(entry.removal_failed(untouched=untouched).to_json())
    if refusal is not None:
        state = "they are as they were" if untouched else f"{left} of {before.rows} are there"
        raise StatementFailed(f"the rows of upload {before.upload_id} could not be removed, {state}: {refusal}")
    raise RowsDiffer(
        f"{left} rows of the window are in {entry.target.table} after their removal: somebody else has loaded them. "
        "Nothing was committed on top of them; clearing the task removes them and commits the new ones"
    )


def _count(attempt: Attempt, entry: Journal) -> FoundRows:
    """Return how much of the window is visible.

    Raises RowsDiffer where some of it is not the load's; that, or InvalidMapping, where nobody can tell.
    """
    before = _replaced(entry)
    found = _rows_of(attempt, before).count(entry.window)
    if found is None and before.found_by is None:
        raise InvalidMapping(NO_OFFSET_COLUMNS)
    if found is None:
        by = f"{' and '.join(before.found_by)}, which it does not have now" if before.found_by else "none"
        raise RowsDiffer(
            f"the columns with partition and offset of the {before.rows} rows of upload {before.upload_id} in "
            f"{entry.target.table} are {by}: they cannot be found, so none was removed, and nothing was loaded"
        )
    if found.rows > before.rows:
        raise RowsDiffer(
            f"{entry.target.table} has {found.rows} rows with partitions and offsets of the window, but upload "
            f"{before.upload_id} wrote {before.rows}: some are from another topic or another load. None was removed"
        )
    return found


def _rows_of(attempt: Attempt, before: Receipt) -> WindowRows:
    """Return the window's rows by the columns of a load before, in the partitions that got its rows."""
    if attempt.ports.staging is not None:
        return attempt.ports.staging.find(before.found_by, before.places)
    return attempt.ports.window_rows(before.found_by)


def _replaced(entry: Journal) -> Receipt:
    assert entry.replaces is not None, "only what was committed is replaced"
    return entry.replaces
