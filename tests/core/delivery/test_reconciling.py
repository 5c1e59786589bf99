"""Whether the table shows what was loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from core.examples import orders, window_of

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets, reconcile
from airflow_provider_kafka_odps.core.journal.receipt import Receipt, Reconciled
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, NotReconciled, StatementFailed

LOADED = Receipt(
    window=window_of((0, 5), (7, 9), (3, 3)),
    table="shop.t",
    partition="ds=1",
    mode=Mode.APPEND,
    upload_id="u1",
    blocks=1,
    partitions={orders(0): Counts(3, 0, 2), orders(1): Counts(0, 0, 2), orders(2): Counts(0, 0, 0)},
    bytes=1,
    not_json=0,
    seconds={},
    offsets={orders(0): (1, 4)},
)
ALL = FoundOffsets(rows=3, offsets=3, first=1, last=4)


@dataclass
class Table:
    """What a table shows."""

    found: Mapping[TopicPartition, FoundOffsets] | None
    count: int = 0

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets] | None:
        assert window == LOADED.window
        return self.found

    def rows(self) -> int:
        return self.count

    def last_change(self) -> str:
        raise AssertionError("the load is committed")


def test_a_load_that_is_shown_by_its_offsets() -> None:
    """Rows, different offsets, first and last of each partition are those of the load."""
    assert reconcile(LOADED, Table({orders(0): ALL}), overwritten=False) is Reconciled.OFFSETS


@pytest.mark.parametrize(
    ("found", "numbers"),
    [
        ({}, r"orders\[0\]: 3 rows with offsets 1 to 4 were loaded; there: none"),
        ({orders(0): FoundOffsets(2, 2, 1, 4)}, "there: 2 with 2 different offsets 1 to 4"),
        ({orders(0): FoundOffsets(4, 3, 1, 4)}, "there: 4 with 3 different offsets"),
        ({orders(0): FoundOffsets(3, 2, 1, 4)}, "there: 3 with 2 different offsets"),
        ({orders(0): FoundOffsets(3, 3, 0, 4)}, "different offsets 0 to 4"),
        ({orders(0): FoundOffsets(3, 3, 1, 3)}, "different offsets 1 to 3"),
        ({orders(0): ALL, orders(1): FoundOffsets(1, 1, 7, 7)}, r"orders\[1\]: 0 rows were loaded; there: 1 with 1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("overwritten", [False, True])
def test_any_other_number_is_a_difference(
    found: Mapping[TopicPartition, FoundOffsets], numbers: str, overwritten: bool
) -> None:
    """Rows that are missing, doubled or not the load's fail with partition and numbers, and with the ways on."""
    with pytest.raises(
        NotReconciled, match=rf"(?s)upload u1 to shop.t \(ds=1\) is committed.*{numbers}.*only look"
    ) as no:
        reconcile(LOADED, Table(found), overwritten=overwritten)
    assert not no.value.retry_helps
    assert "reconcile=False" in str(no.value)


def test_what_was_not_overwritten_is_a_difference() -> None:
    """Where the window's rows are there, others may be as well, whatever their offsets: they were to be replaced."""
    found = {orders(0): ALL}
    assert reconcile(LOADED, Table(found, 3), overwritten=True) is Reconciled.OFFSETS
    with pytest.raises(NotReconciled, match="3 rows were loaded, 5 are there"):
        reconcile(LOADED, Table(found, 5), overwritten=True)
    assert reconcile(LOADED, Table(found, 5), overwritten=False) is Reconciled.OFFSETS


def test_first_and_last_count_only_where_they_are_known() -> None:
    """A reject may be the first record, and earlier releases did not write them down."""
    other = Table({orders(0): FoundOffsets(3, 3, 2, 4)})
    with_reject = replace(LOADED, partitions={**LOADED.partitions, orders(0): Counts(3, 1, 1)})
    assert reconcile(with_reject, other, overwritten=False) is Reconciled.OFFSETS
    assert reconcile(replace(LOADED, offsets={}), other, overwritten=False) is Reconciled.OFFSETS


def test_without_offset_columns_an_overwrite_is_counted() -> None:
    """What replaced all rows is all there is; appended rows cannot be told from others."""
    assert reconcile(LOADED, Table(None, 3), overwritten=True) is Reconciled.ROWS
    assert reconcile(LOADED, Table(None, 9), overwritten=False) is None
    with pytest.raises(NotReconciled, match="3 rows were loaded, 4 are there"):
        reconcile(LOADED, Table(None, 4), overwritten=True)


def test_an_emptied_table_is_counted() -> None:
    """An overwrite with nothing leaves nothing, whatever offsets the rows have that are still there."""
    empty = replace(LOADED, partitions={orders(0): Counts(0, 0, 5)}, offsets={})
    assert reconcile(empty, Table({}, 0), overwritten=True) is Reconciled.ROWS
    with pytest.raises(NotReconciled, match="0 rows were loaded, 1 are there"):
        reconcile(empty, Table({}, 1), overwritten=True)


def test_a_table_that_cannot_be_looked_at() -> None:
    """Without the right to run SQL the load stays committed, and the error says so."""

    class Closed(Table):
        def rows(self) -> int:
            raise StatementFailed("MaxCompute refused a statement: NoPermission")

    with pytest.raises(NotReconciled, match=r"is committed, but the table cannot be looked at: .*NoPermission.*=False"):
        reconcile(LOADED, Closed(None), overwritten=True)


@pytest.mark.parametrize("found", [(0, 0, 0, 0), (1, 2, 0, 1), (2, 2, 5, 4), (1, 1, -1, 4)], ids=str)
def test_what_cannot_be_found_is_refused(found: tuple[int, int, int, int]) -> None:
    """An answer that no rows can give is no answer."""
    with pytest.raises(InvalidInput, match="cannot be"):
        FoundOffsets(*found)
