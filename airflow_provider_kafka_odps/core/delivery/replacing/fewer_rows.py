"""Whether what was loaded may take the place of what is visible: never fewer rows in place of more, unless asked to."""

from __future__ import annotations

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.replacing.replacing import removes
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows
from airflow_provider_kafka_odps.exceptions import FewerRows

_SHOWN = 5


def refuse_fewer_rows(attempt: Attempt, entry: Journal, receipt: Receipt, removable: int) -> None:
    """Raise FewerRows where rows that are visible would be replaced by fewer; nothing was committed then.

    ``removable``: how many rows of the load before were found, where these are to be removed.
    """
    before = entry.replaces
    if attempt.load.on_fewer_rows is OnFewerRows.REPLACE:
        return
    if before is not None:
        there = min(before.telling_rows, removable) if removes(entry) else before.telling_rows
        fewer = receipt.telling_rows < there
        if fewer or (there and not _reaches(receipt, before)):
            # Of an overwrite whose commit is in doubt nobody knows whether its rows are there.
            stay = "stay" if before.learned else "stay, if they are visible,"
            old = f"The {before.rows} rows of upload {before.upload_id}"
            beyond = ", which had records before or behind those that are left," * (not fewer)
            raise _refusal(receipt, f"{old}{beyond} {stay} in {receipt.table}")
    # Of rows of which this journal knows nothing, only nothing is known to be less. That an hour had no record is no
    # loss, and then its partition is emptied; that what it had was lost, did not fit, or was left out by a condition,
    # which may have been written wrong, is.
    if entry.target.mode is Mode.OVERWRITE and _had_something(receipt) and (lost := _lost(attempt, receipt, before)):
        raise _refusal(receipt, f"{lost} stay")


def _lost(attempt: Attempt, receipt: Receipt, before: Receipt | None) -> str:
    """Return which rows of other loads nothing would come in place of; empty: none."""
    staging = attempt.ports.staging
    if others := [str(place) for place in receipt.emptied if before is None or place not in before.places]:
        return f"The rows that are in {receipt.table} ({'; '.join(others)})"
    if before is not None or receipt.telling_rows or (staging is not None and not receipt.places):
        return ""
    there = (attempt.ports.visible_rows if staging is None else staging.show(receipt.places)).rows()
    return f"The {there} rows that are in {receipt.table}" if there else ""


def _reaches(receipt: Receipt, before: Receipt) -> bool:
    """Tell whether a load has a record at or beyond both ends of what a load before had, in each partition.

    Records that came to the end of a log that was truncated could make up, in number, for others that have expired.
    """
    ends = ((receipt.offsets.get(place), first, last) for place, (first, last) in before.offsets.items())
    return all(now is not None and now[0] <= first and now[1] >= last for now, first, last in ends)


def _had_something(receipt: Receipt) -> bool:
    """Tell whether the window had, or may have had, records that are not among the rows."""
    records = receipt.rejects or receipt.filtered or receipt.not_json or receipt.empty_rows
    return bool(receipt.lost or records or receipt.window.possibly_missing)


def _is_empty(receipt: Receipt) -> bool:
    return 0 < receipt.rows == receipt.empty_rows


def _empty_columns(receipt: Receipt) -> str:
    names = [name for name, nulls in (receipt.nulls or {}).items() if nulls == receipt.rows]
    return ", ".join(names[:_SHOWN]) + f" and {len(names) - _SHOWN} other columns" * (len(names) > _SHOWN)


def _refusal(receipt: Receipt, consequence: str) -> FewerRows:
    rows = f"{receipt.rows} rows" if receipt.rows else "no row"
    why = [
        f"{receipt.rejects} rejects" if receipt.rejects else "",
        f"{receipt.filtered} records left out by where" if receipt.filtered else "",
        f"{receipt.lost} offsets are missing" if receipt.lost else "",
        f"{receipt.not_json} values of {receipt.rows + receipt.rejects} records are no JSON"
        if receipt.not_json
        else "",
        f"{receipt.rows} rows of it are NULL in {_empty_columns(receipt)}" if _is_empty(receipt) else "",
    ]
    reasons = f" ({', '.join(filter(None, why))})" if any(why) else ""
    return FewerRows(
        f"upload {receipt.upload_id} has {rows} of the window's {receipt.window.span} offsets{reasons}: not enough to "
        f"replace what is visible. {consequence}; nothing was committed. on_fewer_rows='replace' replaces them all the "
        "same"
    )
