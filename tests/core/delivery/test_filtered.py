"""What a filter leaves out of a load is accounted for: in the receipt, in the journal, and against the table."""

from __future__ import annotations

import pytest
from core.examples import orders
from core.world import Crash, World, attempt_at, cluster_of
from twins.maxcompute import RejectSink

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Reconciled
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.exceptions import RecordsRejected

WANTED = "__value__ | trim | number > 1"
VALUES = [b"1", b" 2", b"x", b"3 ", b"0"]


def attempt(world: World, tolerance: str = "unlimited", where: str = WANTED) -> Attempt:
    """Return an attempt at loading what a condition leaves, which looks at the table behind its commit."""
    made = attempt_at(
        world, Mode.APPEND, where=where, by_rows=True, after_commit=True, rejects=RejectSink(world), try_number=1
    )
    object.__setattr__(made.load, "tolerance", Tolerance.parse(tolerance))
    return made


def test_every_offset_is_a_row_a_reject_or_left_out() -> None:
    """Per partition, also of one of which nothing is left."""
    world = World(cluster=cluster_of(VALUES, [b"1", b"1"], [b"2"]))
    receipt = transfer(attempt(world))
    assert receipt.partitions == {
        orders(0): Counts(rows=2, rejects=1, gaps=0, filtered=2),
        orders(1): Counts(rows=0, rejects=0, gaps=0, filtered=2),
        orders(2): Counts(rows=1, rejects=0, gaps=0),
    }
    assert (receipt.filtered, receipt.reconciled) == (4, Reconciled.OFFSETS)
    assert receipt.summary.endswith("3 rows, 1 rejects, 4 filtered")
    assert world.rejects == [(0, 2, "where")]


def test_a_retry_knows_what_was_left_out() -> None:
    """The journal has it: the first and the last record, which are no rows, are not missed in the table."""
    world = World(cluster=cluster_of([b"1", b"2", b"3", b"0"]))
    receipt = transfer(attempt(world))
    again = transfer(attempt(world, where="__value__ = 'of no use by now'"))
    assert again.partitions == receipt.partitions == {orders(0): Counts(rows=2, rejects=0, gaps=0, filtered=2)}
    assert again.reconciled is Reconciled.OFFSETS


@pytest.mark.parametrize("effect", ["commit", "save committed"])
def test_a_condition_that_is_edited_behind_the_fence_is_that_of_the_next_load(effect: str) -> None:
    """Rows that an attempt has written become visible as they are: the retry loads none beside them."""
    world = World(cluster=cluster_of([b"1", b"2", b"3"]))

    def die(name: str) -> None:
        if name == effect:
            world.after = lambda _: None
            raise Crash(name)

    world.after = die
    with pytest.raises(Crash):
        transfer(attempt(world))
    receipt = transfer(attempt(world, where="__value__ = '1'"))
    assert [row[2] for row in world.table[1:]] == ["2", "3"]
    assert (receipt.rows, receipt.filtered) == (2, 1)


def test_a_share_of_rejects_is_one_of_what_is_wanted() -> None:
    """A hundred records that nobody wants excuse no reject among a few that somebody does."""
    world = World(cluster=cluster_of([b"2", b"x", *[b"0"] * 100]))
    with pytest.raises(RecordsRejected, match=r"1 of all 2 records \(50\.00%\)"):
        transfer(attempt(world, "10%"))
    assert world.table[1:] == []
    assert transfer(attempt(world, "50%")).rows == 1
