"""A log that loses what a window was planned on, and has other records there by the time that they are read."""

import pytest
from core.world import Crash, World, attempt_at
from twins.maxcompute import OLD_ROW, Row

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.exceptions import LogTruncated, ReadAgain

MODES = pytest.mark.parametrize("mode", Mode)
SKIP = OnDataLoss.SKIP


def elect_uncleanly(world: World, end: int = 1, more: int = 5) -> None:
    """Let the first log of three records keep so many, and let others come in place of the rest, and behind."""
    world.log[0].truncate(end)
    for number in range(more):
        world.log[0].append(b"other %d" % number)


def planned(mode: Mode = Mode.APPEND) -> World:
    """Return a world in which an attempt has recorded its window and died."""
    world = World(crash_before=3)
    with pytest.raises(Crash):
        transfer(attempt_at(world, mode))
    world.crash_before = None
    world.effects.clear()
    return world


def within(world: World) -> list[Row]:
    """Return a row for every record that the log has now in the window that was planned."""
    ends = {0: 3, 1: 1, 2: 0}
    return [(number, offset, value) for number, offset, value in world.records() if offset < ends[number]]


def expected(mode: Mode, rows: list[Row]) -> list[Row]:
    """Return the table once ``rows`` were loaded into it."""
    return rows if mode is Mode.OVERWRITE else [OLD_ROW, *rows]


def loaded(mode: Mode = Mode.APPEND) -> World:
    """Return a world whose window is loaded, by upload u1."""
    world = World()
    transfer(attempt_at(world, mode, by_rows=True))
    world.effects.clear()
    return world


def test_the_window_has_the_epochs_of_its_ends() -> None:
    """Each range with an offset has the epoch of its last one, whichever leads by now."""
    world = World()
    world.log[0].elect(4)
    world.log[0].append(b"four")
    world.log[1].elect(7)
    assert transfer(attempt_at(world, Mode.APPEND)).window.epochs == {0: 4, 1: 0}


@MODES
def test_other_records_in_place_of_those_that_were_planned(mode: Mode) -> None:
    """A log that was truncated below the window, and has grown past its end since, fails the load before it is read."""
    world = planned(mode)
    elect_uncleanly(world)
    with pytest.raises(LogTruncated, match=r"orders\[0\]: the window ends at 3, .* has it up to 1 now") as refused:
        transfer(attempt_at(world, mode))
    assert not refused.value.retry_helps
    assert "Nothing was committed. Clear the task with on_data_loss='skip'" in str(refused.value)
    assert (world.table, world.effects) == ([OLD_ROW], ["announce", "ask for the topic's id"])


@MODES
def test_another_leader_that_has_all_of_it(mode: Mode) -> None:
    """An election in which nothing is lost changes nothing, whatever the new leader has written."""
    world = planned(mode)
    rows = world.records()
    for log in world.log.values():
        log.elect(3)
        log.append(b"later")
    transfer(attempt_at(world, mode))
    assert world.table == expected(mode, rows)


def test_a_log_that_is_truncated_behind_the_window() -> None:
    """What is lost behind the window was never its own."""
    world = planned()
    rows = world.records()
    for _ in range(2):
        world.log[0].append(b"later")
    elect_uncleanly(world, end=4)
    transfer(attempt_at(world, Mode.APPEND))
    assert world.table == [OLD_ROW, *rows]


@pytest.mark.parametrize(
    "effect", ["ensure", "save uploading", "look at the log", "read 0:1", "read 1:0", "write block 3"]
)
def test_a_log_that_is_truncated_while_it_is_read(effect: str) -> None:
    """Whatever was read of it, and from whichever of its leaders, nothing of it becomes visible."""
    world = planned()
    world.before = lambda name: elect_uncleanly(world) if name == effect else None
    with pytest.raises(LogTruncated):
        transfer(attempt_at(world, Mode.APPEND))
    assert world.table == [OLD_ROW]
    assert "save committing" not in world.effects


@MODES
def test_who_accepts_loss_loads_what_is_there(mode: Mode) -> None:
    """The records that came in their place are loaded under "skip", and log, window and receipt say what was lost."""
    world = planned(mode)
    elect_uncleanly(world)
    receipt = transfer(attempt_at(world, mode, on_data_loss=SKIP))
    assert world.table == expected(mode, within(world))
    assert receipt.window.possibly_missing == ("orders[0]@[1, 3)",)
    assert receipt.window == world.announced[-1]
    assert receipt.window.epochs == {0: 1, 1: 0}
    assert any("orders[0]@[1, 3) may be lost" in line for line in world.said)
    assert world.journal is not None
    assert Journal.from_json(world.journal).window == receipt.window


def test_a_second_election_under_skip() -> None:
    """What is loaded under "skip" is of one log: where it is truncated once more, the next attempt reads that one."""
    world = planned()
    elect_uncleanly(world)

    def again(name: str) -> None:
        if name == "read 1:0":
            elect_uncleanly(world, end=2)

    world.before = again
    with pytest.raises(ReadAgain) as failed:
        transfer(attempt_at(world, Mode.APPEND, on_data_loss=SKIP))
    assert failed.value.retry_helps
    assert world.table == [OLD_ROW]
    world.before = lambda _: None
    receipt = transfer(attempt_at(world, Mode.APPEND, on_data_loss=SKIP))
    assert receipt.window.possibly_missing == ("orders[0]@[1, 3)", "orders[0]@[2, 3)")
    assert world.table == [OLD_ROW, *within(world)]


def test_a_log_that_is_shorter_now_under_skip() -> None:
    """What the log does not have yet again is missing, as ever."""
    world = planned()
    world.log[0].truncate(1)
    receipt = transfer(attempt_at(world, Mode.APPEND, on_data_loss=SKIP))
    assert (receipt.rows, receipt.missing) == (2, ("orders[0]@[1, 3)",))


def rerun(world: World, mode: Mode, **changes: object) -> Receipt:
    """Run an attempt of a task that was cleared to have its rows replaced."""
    return transfer(attempt_at(world, mode, clear_number=1, on_rerun=OnRerun.REPLACE, by_rows=True, **changes))  # type: ignore[arg-type]


@MODES
@pytest.mark.parametrize("on_data_loss", OnDataLoss)
def test_rows_of_records_that_are_gone_stay(mode: Mode, on_data_loss: OnDataLoss) -> None:
    """Rows that are visible are not replaced by other records: "skip" alone is about what was never loaded."""
    world = loaded(mode)
    table = [*world.table]
    elect_uncleanly(world)
    with pytest.raises(LogTruncated, match=r"The 4 rows of upload u1 stay in shop.t.* and on_fewer_rows='replace' to"):
        rerun(world, mode, on_data_loss=on_data_loss)
    assert world.table == table


@MODES
def test_rows_of_records_that_are_gone_may_be_replaced(mode: Mode) -> None:
    """Who wants that as well says so."""
    world = loaded(mode)
    elect_uncleanly(world)
    rerun(world, mode, on_data_loss=SKIP, on_fewer_rows=OnFewerRows.REPLACE)
    assert world.table == expected(mode, within(world))


def test_rows_that_are_kept_need_no_log() -> None:
    """A retry after the commit, and a clear that keeps the rows, do not ask what has become of the log."""
    world = loaded()
    table = [*world.table]
    elect_uncleanly(world)
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    transfer(attempt_at(world, Mode.APPEND, by_rows=True, clear_number=1))
    assert (world.table, "ask for the topic's id" in world.effects) == (table, False)


def test_a_window_of_a_release_that_kept_no_epochs() -> None:
    """It is loaded as it was: what nobody has written down is not asked for."""
    world = planned()
    assert world.journal is not None
    del world.journal["window"]["epochs"]
    elect_uncleanly(world)
    assert transfer(attempt_at(world, Mode.APPEND)).rows == 4


@pytest.mark.parametrize(("policy", "loads"), [("compact", True), ("compact,delete", True), ("delete", False)])
def test_a_log_that_has_nothing_of_an_epoch(policy: str, loads: bool) -> None:
    """Where later records may have replaced all that a leader wrote, a replica made since need not know its epoch."""
    world = World(crash_before=3)
    world.orders.policy = policy
    world.log[0].elect(2)
    world.log[0].append(b"two")
    with pytest.raises(Crash):
        transfer(attempt_at(world, Mode.APPEND))
    world.crash_before = None
    world.log[0].epochs = {0: 0, 5: 4}
    world.log[0].append(b"five")
    if loads:
        assert transfer(attempt_at(world, Mode.APPEND)).rows == 5
        return
    with pytest.raises(LogTruncated, match=r"written in leader epoch 2, but the log has nothing of that epoch now"):
        transfer(attempt_at(world, Mode.APPEND))
