"""What comes after the commit: repeatable, and the only thing that a later attempt repeats."""

from dataclasses import replace

import pytest
from core.world import Crash, World, attempt_at, cluster_of
from twins.maxcompute import OLD_ROW

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import Cancelled, LoadTimedOut, NotReconciled

MODES = pytest.mark.parametrize("mode", Mode)


class Uncounted:
    """A table that does not show whose rows are there."""

    def offsets(self, window: Window) -> None:
        """Return None: partition and offset are no columns."""

    def rows(self) -> int:
        raise AssertionError("nothing is counted")

    def last_change(self) -> str:
        raise AssertionError("the load is committed")


def reconciling(world: World, mode: Mode, try_number: int = 1) -> Attempt:
    """Return an attempt that looks at the table and commits to the group."""
    return attempt_at(world, mode, after_commit=True, try_number=try_number)


@MODES
def test_it_comes_after_the_journal_knows_of_the_commit(mode: Mode) -> None:
    """First the journal, then the table, then the group; a retry repeats the last two and nothing else."""
    world = World()
    receipt = transfer(reconciling(world, mode))
    looks = ["look"] * (2 if mode is Mode.OVERWRITE else 1)
    assert world.effects[world.effects.index("commit") :] == ["commit", "save committed", *looks, "commit ends"]
    assert world.announced == world.followed == [receipt.window]
    assert (receipt.reconciled, receipt.learned, receipt.attempts) == ("offsets", CommitProof.ANSWERED, 1)
    world.effects.clear()
    assert transfer(reconciling(world, mode, try_number=2)).to_json() == receipt.to_json()
    assert world.effects == ["announce", *looks, "commit ends"]


def test_a_table_that_cannot_be_counted_says_why() -> None:
    """Appended rows without their coordinates cannot be told from others; the log names the columns that would."""
    world = World()
    attempt = reconciling(world, Mode.APPEND)
    uncounted = replace(
        attempt, load=replace(attempt.load, found_by=()), ports=replace(attempt.ports, visible_rows=Uncounted())
    )
    assert transfer(uncounted).reconciled is None
    assert world.said[-1] == "not counted: no columns for __partition__ and __offset__"


@MODES
@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_crash_before_any_of_it_is_made_up_for(mode: Mode, back: int) -> None:
    """Wherever an attempt dies after its commit, the next one completes what is missing, and loads nothing."""
    whole = World()
    transfer(reconciling(whole, mode))
    world = World(crash_before=len(whole.effects) - back)
    with pytest.raises(Crash):
        transfer(reconciling(world, mode))
    world.crash_before = None
    world.effects.clear()
    transfer(reconciling(world, mode, try_number=2))
    assert world.effects[-2:] == ["look", "commit ends"]
    assert len(world.sessions) == 1
    assert sorted(world.table) == sorted(whole.table)


@MODES
def test_a_difference_is_found_again_by_every_attempt(mode: Mode) -> None:
    """Rows that somebody removed fail the task, its retries and a clear; the group is not told of them."""
    world = World()
    world.before = lambda name: (
        world.table.remove((0, 1, "b")) if name == "look" and (0, 1, "b") in world.table else None
    )
    for number in range(3):
        with pytest.raises(
            NotReconciled, match=r"orders\[0\]: 3 rows with offsets 0 to 2 were loaded; there: 2 with 2"
        ):
            transfer(reconciling(world, mode, try_number=number + 1))
    assert "commit ends" not in world.effects
    assert len(world.sessions) == 1


def test_an_empty_append_is_not_looked_for() -> None:
    """Where nothing was committed there is nothing to see."""
    world = World(cluster=cluster_of([]))
    assert transfer(reconciling(world, Mode.APPEND)).reconciled is None
    assert world.effects[-2:] == ["save committed", "commit ends"]


def test_an_emptied_table_is_looked_at() -> None:
    """An overwrite by an empty window shows no row."""
    world = World(cluster=cluster_of([]))
    accepted = attempt_at(world, Mode.OVERWRITE, after_commit=True, on_fewer_rows=OnFewerRows.REPLACE)
    assert transfer(accepted).reconciled == "rows"
    assert world.table == []


@MODES
@pytest.mark.parametrize(
    ("fault", "learned"), [("", "answered"), ("applied and lost", "settled"), ("lost", "answered")]
)
def test_the_receipt_says_how_the_commit_was_learned(mode: Mode, fault: str, learned: str) -> None:
    """An answer, a session that says that it is closed: the receipt tells which."""
    assert transfer(attempt_at(World(commit_faults=[fault]), mode)).to_json()["commit"] == learned


@MODES
@pytest.mark.parametrize("applied", [True, False])
def test_the_attempt_that_learns_of_the_commit_is_counted(mode: Mode, applied: bool) -> None:
    """Whichever attempt settles or makes the commit that an earlier one began, the receipt has its number."""
    world = World()
    side = "crash_after" if applied else "crash_before"
    transfer(attempt_at(whole := World(), mode))
    setattr(world, side, whole.effects.index("commit"))
    with pytest.raises(Crash):
        transfer(attempt_at(world, mode))
    world.crash_before = world.crash_after = None
    receipt = transfer(attempt_at(world, mode, try_number=4))
    assert (receipt.attempts, receipt.learned) == (4, CommitProof.SETTLED if applied else CommitProof.ANSWERED)


def test_rows_prove_the_commit_of_a_session_that_is_gone() -> None:
    """Where the session cannot say it and the rows do, the receipt says so."""
    world = World(commit_faults=["applied and gone"])
    assert transfer(attempt_at(world, Mode.APPEND, by_rows=True)).learned is CommitProof.PROVED
    again = World()
    again.crash_before = len(again.effects) + transfer_effects().index("commit")
    with pytest.raises(Crash):
        transfer(attempt_at(again, Mode.APPEND, by_rows=True))
    again.crash_before = None
    again.visible(again.sessions["u1"])
    again.sessions["u1"].status = UploadStatus.GONE
    assert transfer(attempt_at(again, Mode.APPEND, by_rows=True)).to_json()["commit"] == "proved by rows"


def transfer_effects() -> list[str]:
    """Return what an undisturbed append does."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    return world.effects


def limited(world: World, mode: Mode, seconds: float) -> Attempt:
    """Return an attempt at a load that may take so long; every effect takes a second."""

    def second(_: str) -> None:
        world.clock.seconds += 1

    world.after = second
    return attempt_at(world, mode, load_timeout=seconds)


@MODES
def test_a_load_that_takes_too_long_leaves_nothing(mode: Mode) -> None:
    """Up to the fence the load has a deadline; the error says how far it came, and a retry may have more time."""
    effects = transfer_effects()
    before = effects.index("save planned") + 2
    for seconds in range(1, effects.index("save committing") - before + 1):
        world = World()
        with pytest.raises(
            LoadTimedOut,
            match=rf"load_timeout={seconds} s.*([0-4] of 4 offsets .*; [0-4] of 4 blocks|nothing was read yet).*retry",
        ) as no:
            transfer(limited(world, mode, seconds))
        assert no.value.retry_helps
        assert world.table == [OLD_ROW]
        transfer(attempt_at(world, mode))
        assert len(world.table) == len(world.records()) + (mode is Mode.APPEND)


@MODES
def test_the_deadline_ends_at_the_fence(mode: Mode) -> None:
    """A commit in doubt is settled however long the load has taken before."""
    world = World(commit_faults=["closing"], closing=50)
    effects = transfer_effects()
    seconds = effects.index("commit") - effects.index("save planned")
    assert transfer(limited(world, mode, seconds)).learned is CommitProof.SETTLED


def test_a_cancelled_task_does_not_commit_what_another_attempt_left() -> None:
    """Asked to stop while it settles, an attempt leaves the open session to the next one."""
    world = World()
    world.crash_before = transfer_effects().index("commit")
    with pytest.raises(Crash):
        transfer(attempt_at(world, Mode.APPEND))
    world.crash_before = None
    world.cancelled = lambda: True
    with pytest.raises(Cancelled):
        transfer(attempt_at(world, Mode.APPEND))
    assert world.table == [OLD_ROW]
