"""Staged rows come in the place of those of their interval's partitions, or everything stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from core.delivery.test_merging import ORDER
from core.world import Crash, World, attempt_at, cluster_of
from twins.maxcompute import OLD_ROW, RejectSink, Row

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt, Reconciled
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.exceptions import (
    CommitRejected,
    CommitUnknown,
    FewerRows,
    JournalMismatch,
    KafkaOdpsError,
    NewerRows,
    RowsDiffer,
)

OWN = tuple(PartitionSpec((("ds", value),)) for value in ("a", "b", "c", "d", "e", OLD_ROW[2]))
_AT = ORDER.index("ask for the topic's id", ORDER.index("write block 0"))
OVER = [
    *ORDER[: _AT + 1],
    "look",
    *ORDER[_AT + 1 : ORDER.index("save committed")],
    "look",
    "empty",
    "look",
    *ORDER[-2:],
]
OF_OTHERS: Row = (7, 7, "z")
"""In a partition of another interval."""


def attempt_of(world: World, **more: object) -> Attempt:
    """Return an attempt at loading all records, each into the partition that its value names."""
    named = {"by_rows": True, "own": OWN, "after_commit": True, **more}
    return attempt_at(world, Mode.OVERWRITE, routed=True, **named)  # type: ignore[arg-type]


def loaded(world: World, **more: object) -> Receipt:
    """Load the window."""
    return transfer(attempt_of(world, **more))


def world_of(crash_before: int | None = None, crash_after: int | None = None) -> World:
    """Return a world with a row of another interval in the table, beside one of this interval."""
    return World(crash_before=crash_before, crash_after=crash_after, table=[OLD_ROW, OF_OTHERS])


def fails(world: World, error: type[KafkaOdpsError], match: str, **more: object) -> None:
    """Hold that an attempt fails for that reason."""
    with pytest.raises(error, match=match):
        loaded(world, **more)


def test_the_partitions_of_the_interval_have_the_load_and_nothing_else() -> None:
    """One that gets no row loses what it had; one of another interval keeps it."""
    world = world_of()
    receipt = loaded(world)
    assert world.effects[: len(OVER)] == OVER
    assert world.table == [OF_OTHERS, *world.records()]
    assert (receipt.emptied, receipt.reconciled) == ((PartitionSpec((("ds", OLD_ROW[2]),)),), Reconciled.OFFSETS)
    assert Receipt.from_json(receipt.to_json()).emptied == receipt.emptied
    assert receipt.learned is CommitProof.ANSWERED


def test_a_cleared_load_comes_in_its_own_place() -> None:
    """Each row once, also where the mapping was corrected and rows belong elsewhere."""
    world = world_of()
    loaded(world)
    world.table[:] = [row if row[2] != "a" else (0, 0, "e") for row in world.table]
    loaded(world, clear_number=1)
    assert world.table == [OF_OTHERS, *world.records()]


@pytest.mark.parametrize("effect", range(len(OVER)))
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_crash_anywhere_loads_every_row_once(effect: int, side: str) -> None:
    """In a first load; whatever the next attempt finds."""
    world = world_of()
    setattr(world, f"crash_{side}", effect)
    with pytest.raises(Crash):
        loaded(world)
    world.crash_before = world.crash_after = None
    receipt = loaded(world)
    assert world.table == [OF_OTHERS, *world.records()]
    assert receipt.emptied == (PartitionSpec((("ds", OLD_ROW[2]),)),)


@pytest.mark.parametrize("fault", ["fails", "conflicts", "forgotten"])
def test_a_statement_that_wrote_nothing_is_followed_by_another(fault: str) -> None:
    """The partitions say that nobody has written."""
    world = world_of()
    world.statements_of_merges.faults = [fault]
    if fault == "fails":
        fails(world, CommitRejected, "none of them is visible")
    loaded(world)
    assert [*world.statements_of_merges.merges] == ["merge-u1-0", "merge-u1-1"]
    assert world.table == [OF_OTHERS, *world.records()]


def test_a_statement_that_is_forgotten_is_proved_by_its_rows() -> None:
    """In a first load: its partitions have them, and no other."""
    world = world_of()
    world.statements_of_merges.faults = ["applied and forgotten"]
    assert loaded(world).learned is CommitProof.PROVED
    assert world.table == [OF_OTHERS, *world.records()]


@pytest.mark.parametrize(("by_rows", "again"), [(False, False), (True, True)])
def test_a_statement_that_is_forgotten_is_for_a_person(by_rows: bool, again: bool) -> None:
    """Where its rows cannot be told from others: no offset columns, or a load before has the same ones."""
    world = world_of()
    if again:
        loaded(world)
    world.statements_of_merges.faults = ["applied and forgotten"]
    for _ in range(2):
        fails(world, NewerRows, "somebody has written there since", by_rows=by_rows, clear_number=int(again))
    # The person has looked, and clears: once more over what is there.
    loaded(world, by_rows=by_rows, clear_number=2)
    assert world.table == [OF_OTHERS, *world.records()]


def somebody_writes(world: World, effect: str) -> Callable[[str], None]:
    """Return what lets somebody write into the interval's partitions before an effect, once."""

    def before(name: str) -> None:
        if name == effect and (9, 9, "a") not in world.table:
            world.add([(9, 9, "a")])

    return before


@pytest.mark.parametrize("effect", ["commit", "save merging", "look at the staged"])
def test_what_somebody_has_written_since_the_fence_is_not_covered(effect: str) -> None:
    """The next attempts see it, too; a person who clears the task wants the load over it."""
    world = world_of()
    world.before = somebody_writes(world, effect)
    for _ in range(2):
        fails(world, NewerRows, "was to overwrite .* somebody has written there since")
    assert (9, 9, "a") in world.table
    world.before = lambda _: None
    loaded(world, clear_number=1)
    assert world.table == [OF_OTHERS, *world.records()]


def test_what_somebody_writes_between_two_statements_is_not_covered() -> None:
    """A statement that failed is not followed by another one then."""
    world = world_of()
    world.statements_of_merges.faults = ["conflicts"]
    world.after = lambda name: world.add([(9, 9, "a")]) if name == "await merge" else None
    fails(world, NewerRows, "somebody has written there since")


def test_rows_that_nothing_comes_in_place_of_stay() -> None:
    """Where a record of the window is a reject, it may be the one that they are of."""
    world = world_of()
    world.log[0].append(b"/")
    rejects = RejectSink(world)
    fails(world, FewerRows, r"The rows that are in shop\.t \(ds=was there before\) stay", rejects=rejects)
    assert world.table == [OLD_ROW, OF_OTHERS]
    loaded(world, rejects=rejects, on_fewer_rows=OnFewerRows.REPLACE)
    assert world.table == [OF_OTHERS, *(row for row in world.records() if row[2] != "/")]


def test_fewer_rows_than_a_load_before_are_refused() -> None:
    """As in every overwrite."""
    world = world_of()
    loaded(world)
    world.log[0].entries[0] = replace(world.log[0].entries[0], value=b"/")
    rejects = RejectSink(world)
    fails(world, FewerRows, "stay in shop", clear_number=1, rejects=rejects)
    assert len(world.table) == 5


def test_an_interval_without_records_is_emptied() -> None:
    """No statement moves anything, and its partitions are empty behind it."""
    world = World(cluster=cluster_of([]), table=[OLD_ROW, OF_OTHERS])
    receipt = loaded(world)
    assert (world.table, receipt.rows, receipt.per_partition) == ([OF_OTHERS], 0, {})
    assert not world.statements_of_merges.merges


def test_partitions_that_cannot_be_emptied() -> None:
    """The rows are there, the task fails, and the next attempt goes on."""
    world = world_of()
    world.statements_fail = "ODPS-0130013: no privilege"
    fails(world, CommitRejected, r"those that were in ds=was there before before are not removed: ODPS-0130013")
    world.statements_fail = None
    loaded(world)
    assert world.table == [OF_OTHERS, *world.records()]
    assert [*world.statements_of_merges.merges] == ["merge-u1-0"]


def test_staged_rows_that_are_gone_before_they_are_moved() -> None:
    """The window is loaded again."""
    world = world_of(crash_before=OVER.index("start merge"))
    with pytest.raises(Crash):
        loaded(world)
    world.crash_before = None
    world.staged.clear()
    with pytest.raises((KafkaOdpsError, CommitUnknown), match="The next attempt loads the window again"):
        loaded(world)
    loaded(world)
    assert world.table == [OF_OTHERS, *world.records()]


def test_a_window_of_other_times_than_those_that_are_asked_for_is_not_loaded() -> None:
    """The partitions are those of the times of today, and the records are those of the recorded window."""
    world = world_of(crash_before=OVER.index("open"))
    with pytest.raises(Crash):
        loaded(world)
    world.crash_before = None
    now = attempt_of(world)
    wider = replace(now.load.request, end=At(1_795_341_600_000))
    with pytest.raises(
        JournalMismatch, match=r"earliest to latest, .* earliest to 2026-11-22T10:00:00Z now.*no row was changed"
    ):
        transfer(replace(now, load=replace(now.load, request=wider)))
    assert world.table == [OLD_ROW, OF_OTHERS]
    loaded(world)
    # What is there is known, whatever is asked for: nothing is loaded, and nothing is emptied.
    transfer(replace(now, load=replace(now.load, request=wider)))
    assert world.table == [OF_OTHERS, *world.records()]


def test_others_may_write_where_nothing_is_overwritten() -> None:
    """A window without records, in partitions without rows, changes nothing: nobody's rows are newer."""
    world = World(cluster=cluster_of([]), table=[OF_OTHERS])
    with pytest.raises(Crash):
        loaded(dying_before(world, "commit"))
    world.crash_before = None
    world.add([(8, 8, "z")])
    assert loaded(world).rows == 0
    assert world.table == [OF_OTHERS, (8, 8, "z")]


def dying_before(world: World, effect: str) -> World:
    """Have a world end before an effect."""

    def before(name: str) -> None:
        if name == effect:
            world.before = lambda _: None
            raise Crash(name)

    world.before = before
    return world


@pytest.mark.parametrize("records", [True, False])
def test_what_somebody_has_written_since_is_not_emptied(records: bool) -> None:
    """The statement has moved the rows, hours go by, and another load fills a partition that was to be emptied."""
    world = world_of() if records else World(cluster=cluster_of([]), table=[OLD_ROW, OF_OTHERS])
    with pytest.raises(Crash):
        loaded(dying_before(world, "empty"))
    newer = (9, 9, OLD_ROW[2])
    world.add([newer])
    for _ in range(2):
        fails(world, NewerRows, r"ds=was there before.* somebody has written there since")
    assert world.table == [OLD_ROW, OF_OTHERS, *world.records(), newer]
    loaded(world, clear_number=1)
    assert world.table == [OF_OTHERS, *world.records()]


def test_partitions_that_somebody_else_has_emptied() -> None:
    """They have nothing to lose, whatever the statement says, such as of one that was dropped."""
    world = world_of()
    with pytest.raises(Crash):
        loaded(dying_before(world, "empty"))
    world.table.remove(OLD_ROW)
    world.statements_fail = "ODPS-0130131: no such partition"
    loaded(world)
    assert world.table == [OF_OTHERS, *world.records()]


def test_who_was_superseded_empties_nothing_that_was_loaded_since() -> None:
    """It stood still before its statement, and one of that name has run since: it is not started again."""
    world, newer = world_of(), (9, 9, OLD_ROW[2])

    def before(name: str) -> None:
        if name == "empty":
            world.before = lambda _: None
            loaded(world)
            world.add([newer])

    world.before = before
    fails(world, NewerRows, "somebody has written there since")
    assert world.table == [OF_OTHERS, *world.records(), newer]


def test_rows_of_another_load_are_not_emptied_by_a_second_one() -> None:
    """A reject of the window may be the one that they are of, also where the load before had the same reject."""
    world = World(table=[OF_OTHERS])
    world.log[0].append(b"/")
    rejects = RejectSink(world)
    loaded(world, rejects=rejects)
    theirs = (9, 9, "e")
    world.add([theirs])
    fails(world, FewerRows, r"The rows that are in shop\.t \(ds=e\) stay", rejects=rejects, clear_number=1)
    assert theirs in world.table


@pytest.mark.parametrize("by_rows", [True, False])
def test_rows_in_partitions_that_are_not_of_the_interval_any_more(by_rows: bool) -> None:
    """Another zone since the load that is replaced: its rows would stay beside the new ones."""
    world = world_of()
    loaded(world, by_rows=by_rows)
    other = tuple(place for place in OWN if str(place) != "ds=b")
    for clear_number in (1, 2):
        says = r"1 rows are in shop\.t \(ds=b\), .* upload u1 .* nothing was loaded"
        fails(world, RowsDiffer, says, clear_number=clear_number, own=other, by_rows=by_rows)
    assert len(world.table) == 5
    # Once they were removed by hand, the window is loaded, each row into the partition that it says now.
    world.table[:] = [row for row in world.table if row[2] != "b"]
    loaded(world, clear_number=2, own=other, by_rows=by_rows)
    assert world.table == [OF_OTHERS, *world.records()]
