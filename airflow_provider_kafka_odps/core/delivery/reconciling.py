"""Whether the table shows, after the commit, what was loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.journal.receipt import Receipt, Reconciled
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, NotReconciled, StatementFailed, TableRefused


@dataclass(frozen=True, slots=True)
class FoundOffsets:
    """What a table shows of one Kafka partition's range."""

    rows: int
    offsets: int
    """How many different offsets these rows have."""
    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse what no rows can have."""
        if not 0 < self.offsets <= self.rows or not 0 <= self.first <= self.last:
            raise InvalidInput(f"{self} cannot be")


class VisibleRows(Protocol):
    """What everybody can see of a table, or of one partition of it."""

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets] | None:
        """Return what is there of each partition of the window; None if partition and offset are no columns."""

    def rows(self) -> int:
        """Return how many rows there are, whosever they are."""

    def last_change(self) -> str:
        """Return what is another text after anybody has written rows, by a commit or by a statement."""


def reconcile(receipt: Receipt, table: VisibleRows, *, overwritten: bool, by_offsets: bool = True) -> Reconciled | None:
    """Hold a committed load against what the table shows; None where nothing tells its rows from others.

    ``by_offsets`` is false where the load wrote partition and offset into other columns than the table is asked for.
    Raises NotReconciled with the numbers where it shows something else, or where it cannot be looked at.
    """
    try:
        # Nothing in an empty table has an offset: there the rows alone tell that it was emptied.
        found = table.offsets(receipt.window) if by_offsets and (receipt.rows or not overwritten) else None
        if found is not None:
            _complain(receipt, "\n".join(_differences(receipt, found)))
        if not overwritten:
            return None if found is None else Reconciled.OFFSETS
        # Also where all of the load is there: what it was to replace may be there, too.
        rows = table.rows()
    except (StatementFailed, TableRefused) as error:
        raise NotReconciled(f"{_where(receipt)}, but the table cannot be looked at: {error}. {_WAYS_ON}") from error
    _complain(receipt, f"{receipt.rows} rows were loaded, {rows} are there" if rows != receipt.rows else "")
    return Reconciled.ROWS if found is None else Reconciled.OFFSETS


def _differences(receipt: Receipt, found: Mapping[TopicPartition, FoundOffsets]) -> Iterator[str]:
    for partition, counts in sorted(receipt.partitions.items()):
        there = found.get(partition)
        if _shows(there, counts, receipt.offsets.get(partition)):
            continue
        ends = receipt.offsets.get(partition)
        first_last = "" if ends is None else f" with offsets {ends[0]} to {ends[1]}"
        seen = f"{there.rows} with {there.offsets} different offsets {there.first} to {there.last}" if there else "none"
        yield f"{partition}: {counts.rows} rows{first_last} were loaded; there: {seen}"


def _shows(there: FoundOffsets | None, counts: Counts, first_last: tuple[int, int] | None) -> bool:
    if there is None:
        return counts.rows == 0
    # A reject, or one left out, may be the first or the last record; receipts of earlier releases do not have these.
    known = first_last is not None and not counts.rejects and not counts.filtered
    return there.rows == there.offsets == counts.rows and (not known or first_last == (there.first, there.last))


_WAYS_ON = (
    "Nothing is loaded again: a retry, and clearing the task, only look again. More rows than different offsets: "
    "another run has loaded the same offsets, as a second Trigger with the same bounds does, and its rows have to be "
    "removed by hand. If the rows were changed since, or are not this load's alone because several topics go into the "
    "table, reconcile=False accepts them as they are"
)


def _where(receipt: Receipt) -> str:
    place = f"{receipt.table} ({receipt.partition})" if receipt.partition else receipt.table
    return f"upload {receipt.upload_id} to {place} is committed"


def _complain(receipt: Receipt, problem: str) -> None:
    if problem:
        raise NotReconciled(f"{_where(receipt)}, but the table shows something else:\n{problem}\n{_WAYS_ON}")
