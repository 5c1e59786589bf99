"""Staged rows in place of what partitions had: these are of one interval, and no other load has rows there.

The statement writes all of them or none, so what it did shows in when they were changed last; rows alone would not tell
it, since those of the load before, by another mapping perhaps, have the same offsets.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.settling import newer_rows, receipt_of
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.exceptions import CommitRejected, StatementFailed


def staging_of(attempt: Attempt) -> Staging:
    """Return the outside of a load whose rows are staged."""
    staging: Staging | None = attempt.ports.staging
    assert staging is not None, "a load whose rows are staged has where to"
    return staging


def with_emptied(attempt: Attempt, receipt: Receipt) -> Receipt:
    """Return a receipt that names the partitions of the window's interval which are to lose their rows and get none."""
    routing = attempt.load.routing
    got = frozenset(receipt.places)
    others = [place for place in (routing.own if routing else ()) if place not in got]
    return replace(receipt, emptied=tuple(staging_of(attempt).filled(others))) if others else receipt


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


def empty(attempt: Attempt, receipt: Receipt) -> None:
    """Remove the rows of partitions that got none; raise CommitRejected where they are still there."""
    names = "; ".join(map(str, receipt.emptied))
    attempt.run.log(f"no row of the window belongs into {names}: what was there is removed")
    try:
        staging_of(attempt).merges.empty(receipt.emptied)
    except StatementFailed as error:
        raise CommitRejected(
            f"{receipt.rows} rows are in {receipt.table}, but those that were in {names} before are not removed: "
            f"{error}. The next attempt goes on here"
        ) from error
