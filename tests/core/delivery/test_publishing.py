"""Rejects become visible before the rows they belong to, and are known to be visible when these are asked for."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal

import pytest
from core.world import Crash, World, attempt_at, cluster_of
from twins.maxcompute import OLD_ROW, RejectSink

from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    CommitPending,
    CommitRejected,
    JournalMismatch,
    RecordsRejected,
)

MODES = pytest.mark.parametrize("mode", Mode)
PUBLISHING = ["save publishing", "ask for the rejects", "publish", "save committing", "commit", "save committed"]
REJECT = (1, 1, "v")


def rejecting() -> World:
    """Return a world with one record that does not fit the table."""
    world = World()
    world.log[1].append(b"\xff")
    return world


def attempt_in(
    world: World, mode: Mode, *, clear_number: int = 0, place: str = "shop.rejects", by_rows: bool = True
) -> Attempt:
    """Return an attempt that puts rejects somewhere."""
    sink = RejectSink(world, place)
    return attempt_at(world, mode, clear_number=clear_number, on_rerun=OnRerun.REPLACE, by_rows=by_rows, rejects=sink)


def died_before(world: World, mode: Mode, effect: str) -> None:
    """Let an attempt die there."""

    def die(name: str) -> None:
        if name == effect:
            raise Crash(name)

    world.before = die
    with pytest.raises(Crash):
        transfer(attempt_in(world, mode))
    world.before = lambda _: None


def check(world: World, mode: Mode) -> None:
    """Hold that rows and rejects are visible, once."""
    rows = [(0, 0, "a"), (0, 1, "b"), (0, 2, "c"), (1, 0, "d")]
    assert world.table == (rows if mode is Mode.OVERWRITE else [OLD_ROW, *rows])
    assert world.rejects == [REJECT]
    assert world.journal is not None
    assert Journal.from_json(world.journal).phase is Phase.COMMITTED


@MODES
def test_rejects_come_before_the_rows(mode: Mode) -> None:
    """Rejects are made visible behind a save of their own, and rows behind another one."""
    world = rejecting()
    transfer(attempt_in(world, mode))
    assert world.effects[-len(PUBLISHING) :] == PUBLISHING
    check(world, mode)


@MODES
@pytest.mark.parametrize("effect", PUBLISHING)
def test_an_attempt_that_died_is_gone_on_from(mode: Mode, effect: str) -> None:
    """Whatever the attempt was about to do, the next one commits both uploads; neither is written again."""
    world = rejecting()
    died_before(world, mode, effect)
    transfer(attempt_in(world, mode))
    check(world, mode)
    fresh = effect == "save publishing"
    assert (len(world.sessions), len(world.reject_sessions)) == ((2, 2) if fresh else (1, 1))


@MODES
@pytest.mark.parametrize("fault", ["gone", "applied and gone"])
def test_rejects_that_are_gone(mode: Mode, fault: str) -> None:
    """What became of them does not matter: nobody asked for the rows, so the next attempt loads both anew."""
    world = rejecting()
    world.reject_faults.append(fault)
    with pytest.raises(CommitPending, match=r"1 rejects to shop\.rejects is gone; no rows were committed"):
        transfer(attempt_in(world, mode, by_rows=False))
    assert world.table == [OLD_ROW]
    transfer(attempt_in(world, mode, by_rows=False))
    check(world, mode)
    assert [each.status for each in world.sessions.values()] == [UploadStatus.NORMAL, UploadStatus.CLOSED]


@MODES
def test_rows_that_are_gone_before_anybody_asked_for_them(mode: Mode) -> None:
    """No row is looked for, and the rejects of the upload that is given up cannot come later than those that stay."""
    world = rejecting()
    died_before(world, mode, "publish")
    world.sessions["u1"].status = UploadStatus.GONE
    transfer(attempt_in(world, mode, by_rows=False))
    check(world, mode)
    assert world.reject_sessions["r1"].status is UploadStatus.CLOSED


@MODES
def test_rejects_that_are_refused(mode: Mode) -> None:
    """No row becomes visible without them; the next attempt commits the same uploads."""
    world = rejecting()
    world.reject_faults += ["refused"] * 3
    with pytest.raises(CommitRejected, match="upload r1 is still open"):
        transfer(attempt_in(world, mode))
    assert (world.table, world.rejects) == ([OLD_ROW], [])
    transfer(attempt_in(world, mode))
    check(world, mode)
    assert len(world.sessions) == 1


def test_a_mended_mapping_leaves_no_reject() -> None:
    """Loading the window again replaces the rejects that are there by none."""
    for mode in Mode:
        world = rejecting()
        transfer(attempt_in(world, mode))
        world.log[1].entries[1] = replace(world.log[1].entries[1], value=b"fixed")
        transfer(attempt_in(world, mode, clear_number=1))
        assert world.rejects == []
        assert (1, 1, "fixed") in world.table


@MODES
def test_another_place_is_refused_until_the_rejects_are_visible(mode: Mode) -> None:
    """Where rejects may or may not be visible, a change of their place fails; where they are, it does not matter."""
    world = rejecting()
    died_before(world, mode, "publish")
    with pytest.raises(JournalMismatch, match=r"written to shop\.rejects, but .* now say elsewhere; its rows were not"):
        transfer(attempt_in(world, mode, place="elsewhere"))
    assert (world.table, world.rejects) == ([OLD_ROW], [])

    world = rejecting()
    died_before(world, mode, "commit")
    transfer(attempt_in(world, mode, place="elsewhere"))
    check(world, mode)


@MODES
def test_a_clear_while_rejects_are_published(mode: Mode) -> None:
    """The load that was under way is finished, and then loaded again, as after any commit in doubt."""
    world = rejecting()
    died_before(world, mode, "publish")
    receipt = transfer(attempt_in(world, mode, clear_number=1))
    assert (receipt.upload_id, receipt.rejected_to and receipt.rejected_to.upload_id) == ("u2", "r2")
    check(world, mode)


@MODES
def test_who_goes_on_passes_the_fence(mode: Mode) -> None:
    """An attempt that goes on from rejects saves that it commits before it does, and not when it is asked to stop."""
    world = rejecting()
    died_before(world, mode, "publish")
    world.cancelled = lambda: True
    with pytest.raises(Cancelled):
        transfer(attempt_in(world, mode))
    assert world.table == [OLD_ROW]
    world.cancelled = lambda: False
    transfer(attempt_in(world, mode))
    assert world.effects[-3:] == ["save committing", "commit", "save committed"]
    check(world, mode)


@MODES
def test_rejects_without_rows_are_committed_too(mode: Mode) -> None:
    """A load without a single row makes its rejects visible."""
    world = World(cluster=cluster_of([b"\xff"]), table=[])
    transfer(attempt_in(world, mode))
    assert world.rejects == [(0, 0, "v")]
    assert "commit" in world.effects


@MODES
def test_a_share_of_rejects_stops_the_load(mode: Mode) -> None:
    """One record of five does not fit: where less than a fifth may be left out, nothing becomes visible."""
    world = rejecting()
    for share, stops in ((Decimal("19.9"), True), (Decimal(20), False)):
        attempt = attempt_in(world, mode)
        load = replace(attempt.load, tolerance=Tolerance(None, share))
        with pytest.raises(RecordsRejected, match=r"1 of all 5 records \(20\.00%\)") if stops else nullcontext():
            transfer(replace(attempt, load=load))
        assert (world.table == [OLD_ROW]) == stops
