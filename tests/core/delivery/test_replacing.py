"""Replacing rows that are visible: none goes away before its successor is proved complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core.world import Crash, World, attempt_at
from twins.maxcompute import OLD_ROW, Statement

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    OffsetsExpired,
    RecordsRejected,
    RowsDiffer,
    StatementFailed,
    TopicReplaced,
)

REPLACEMENT = [
    *["announce", "ask for the topic's id", "ensure", "count", "survey", "open", "save uploading"],
    *["look at the log", "read 0:0", "write block 0", "read 0:1", "write block 1", "read 0:2", "write block 2"],
    *["read 1:0", "write block 3", "ask for the topic's id"],
    *["count", "save replacing", "start removal", "save replacing", "await removal", "count", "save committing"],
    *["commit", "save committed"],
]


def loaded() -> World:
    """Return a world whose window is loaded, by upload u1."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    world.effects.clear()
    return world


def replacing(world: World, *, clear_number: int = 1, **changes: Any) -> Receipt:
    """Run an attempt of a task that was cleared to have its rows replaced."""
    changes = {"on_rerun": OnRerun.REPLACE, "by_rows": True, **changes}
    return transfer(attempt_at(world, Mode.APPEND, clear_number=clear_number, **changes))


def spoil(world: World) -> None:
    """Let a record be none that the mapping takes."""
    entries = world.log[0].entries
    entries[1] = replace(entries[1], value=b"\xff")


def entry_of(world: World) -> Journal:
    """Return what the journal has."""
    assert world.journal is not None
    return Journal.from_json(world.journal)


def all_once(world: World) -> bool:
    """Tell whether the table has each row once."""
    return sorted(world.table) == sorted([OLD_ROW, *world.records()])


def test_the_new_rows_are_proved_before_the_old_ones_go() -> None:
    """The window is loaded again and accounted for, then the removal starts, then the commit: in this order."""
    world = loaded()
    assert replacing(world).upload_id == "u2"
    assert world.effects == REPLACEMENT
    assert list(world.statements) == ["remove-u1-0"]
    assert all_once(world)


@pytest.mark.parametrize("on_data_loss", OnDataLoss)
def test_records_that_have_expired_leave_the_rows(on_data_loss: OnDataLoss) -> None:
    """A log that lacks any of the window refuses before anything is done, also under "skip"; the message has both."""
    world = loaded()
    world.log[0].delete_before(2)
    before = list(world.table)
    with pytest.raises(OffsetsExpired, match=r"(?s)orders\[0\].*log starts at 2.*4 rows of upload u1 stay in shop\.t"):
        replacing(world, on_data_loss=on_data_loss)
    assert (world.table, world.statements, list(world.sessions)) == (before, {}, ["u1"])
    assert entry_of(world).phase is Phase.COMMITTED


def test_a_topic_that_was_created_again_leaves_the_rows() -> None:
    """Its records are others: the old rows are all that is left of the window."""
    world = loaded()
    world.orders.id = "id-2"
    before = list(world.table)
    with pytest.raises(TopicReplaced):
        replacing(world)
    assert (world.table, world.statements) == (before, {})


def test_whatever_ends_the_load_leaves_the_rows() -> None:
    """A reject too many, a request to stop, an expiry in the middle: the table is as it was, and the journal knows."""
    for effect in REPLACEMENT[: REPLACEMENT.index("save replacing")]:
        world = loaded()
        before = list(world.table)
        number = REPLACEMENT.index(effect)
        world.cancelled = lambda world=world, number=number: len(world.effects) > number  # type: ignore[misc]
        with pytest.raises(Cancelled):
            replacing(world)
        assert (world.table, world.statements) == (before, {})
    world.cancelled = lambda: False
    spoil(world)
    with pytest.raises(RecordsRejected):
        replacing(world)
    assert world.table == before
    entry = entry_of(world)
    assert (entry.phase, entry.upload_id) == (Phase.UPLOADING, "u2")
    assert entry.replaces is not None
    assert (entry.replaces.upload_id, entry.replaces.rows) == ("u1", 4)


def test_who_gives_it_up_keeps_the_rows() -> None:
    """A replacement that fails before any row was removed may be cleared with on_rerun="keep"."""
    world = loaded()
    spoil(world)
    with pytest.raises(RecordsRejected):
        replacing(world)
    before = list(world.table)
    receipt = replacing(world, clear_number=2, on_rerun=OnRerun.KEEP)
    assert (receipt.upload_id, world.table) == ("u1", before)
    entry = entry_of(world)
    assert (entry.phase, entry.upload_id, entry.clear_number) == (Phase.COMMITTED, "u1", 2)


@pytest.mark.parametrize("session", ["lives", "is gone"])
@pytest.mark.parametrize("on_rerun", OnRerun)
def test_a_crash_anywhere_is_gone_on_from(session: str, on_rerun: OnRerun) -> None:
    """Wherever an attempt dies, rows are only ever away while the next ones wait; a retry ends with each of them once.

    Whatever the parameter says by then, once a removal may have been started.
    """
    for effect, name in enumerate(REPLACEMENT):
        for side in ("before", "after"):
            world = loaded()
            setattr(world, f"crash_{side}", effect)
            with pytest.raises(Crash):
                replacing(world)
            world.crash_before = world.crash_after = None
            if session == "is gone" and "u2" in world.sessions:
                world.sessions["u2"].status = UploadStatus.GONE
            decided = REPLACEMENT.index("save replacing") + (side == "before")
            if effect < decided and on_rerun is not OnRerun.REPLACE:
                assert all_once(world), (name, side)
                continue
            assert replacing(world, on_rerun=on_rerun).rows == 4, (name, side)
            assert all_once(world), (name, side)
            assert entry_of(world).phase is Phase.COMMITTED


def test_who_goes_on_may_be_stopped_before_the_removal() -> None:
    """A task that is asked to stop while it goes on removes nothing: the next attempt does."""
    world = loaded()
    before = list(world.table)
    world.crash_before = REPLACEMENT.index("start removal")
    with pytest.raises(Crash):
        replacing(world)
    world.crash_before, world.cancelled = None, lambda: True
    with pytest.raises(Cancelled):
        replacing(world)
    assert (world.table, world.statements) == (before, {})
    world.cancelled = lambda: False
    assert replacing(world).upload_id == "u2"
    assert all_once(world)


def test_an_upload_that_is_gone_removes_nothing() -> None:
    """Who goes on asks for the upload first: if its records have expired as well, the old rows are all that is left."""
    world = loaded()
    before = list(world.table)
    world.crash_before = REPLACEMENT.index("start removal")
    with pytest.raises(Crash):
        replacing(world)
    world.crash_before = None
    world.sessions["u2"].status = UploadStatus.GONE
    world.log[0].delete_before(1)
    with pytest.raises(OffsetsExpired, match="4 rows of upload u1 stay"):
        replacing(world)
    assert (world.table, world.statements) == (before, {})


def test_a_retry_after_it_was_gone_on_with_keeps_the_rows() -> None:
    """A clear that completes the replacement of an earlier one has had its load: its retry loads nothing again."""
    world = loaded()
    world.crash_before = REPLACEMENT.index("save committing")
    with pytest.raises(Crash):
        replacing(world)
    world.crash_before = None
    assert [replacing(world, clear_number=2).upload_id for _ in range(2)] == ["u2", "u2"]
    assert all_once(world)


def test_the_journal_knows_what_is_replaced_and_by_what() -> None:
    """When rows are removed, it has the receipt of both: of those that go, and of those that come."""
    world = loaded()
    seen: list[tuple[Phase, str | None, str | None]] = []

    def look(name: str) -> None:
        if name in {"start removal", "commit"}:
            entry = entry_of(world)
            assert entry.receipt is not None
            assert entry.replaces is not None
            assert (entry.receipt.upload_id, entry.receipt.rows) == ("u2", 4)
            seen.append((entry.phase, entry.upload_id, entry.replaces.upload_id))

    world.before = look
    replacing(world)
    assert seen == [(Phase.REPLACING, "u2", "u1"), (Phase.COMMITTING, "u2", "u1")]


def test_a_removal_that_fails_leaves_the_rows() -> None:
    """It says so; the next attempt commits the upload that waits, after another removal, or keeps the rows."""
    for on_rerun, upload_id in ((OnRerun.REPLACE, "u2"), (OnRerun.KEEP, "u1")):
        world = loaded()
        before = list(world.table)

        def fail(name: str, world: World = world) -> None:
            if name == "await removal":
                world.statements["remove-u1-0"].failure = "ODPS-0130071"

        world.before = fail
        with pytest.raises(StatementFailed, match=r"they are as they were: ODPS-0130071"):
            replacing(world)
        assert world.table == before
        world.before = lambda _: None
        assert replacing(world, clear_number=2, on_rerun=on_rerun).upload_id == upload_id
        assert all_once(world)


def test_a_removal_that_failed_is_not_waited_for_again() -> None:
    """Also where the rows were kept in between: the service runs a name once, so the next removal has another one."""
    world = loaded()
    world.statements_fail = "ODPS-0130071"
    with pytest.raises(StatementFailed):
        replacing(world)
    replacing(world, clear_number=2, on_rerun=OnRerun.KEEP)
    world.statements_fail = None
    assert replacing(world, clear_number=3).upload_id == "u3"
    assert list(world.statements) == ["remove-u1-0", "remove-u1-1"]
    assert all_once(world)


def test_fewer_rows_than_were_loaded_are_not_replaced() -> None:
    """Rows that are not found are elsewhere, or somebody has removed them: loading them again might double them."""
    world = loaded()
    world.table.remove((0, 1, "b"))
    before = list(world.table)
    with pytest.raises(RowsDiffer, match=r"shop\.t has 3 rows.*u1 wrote 4.*None was removed"):
        replacing(world)
    assert (world.table, list(world.sessions)) == (before, ["u1"])


def test_rows_that_a_removal_leaves_are_not_doubled() -> None:
    """The name of a removal that ran for another load removes nothing now: nothing is committed on top of its rows."""
    world = loaded()
    world.after = lambda name: world.table.append((0, 0, "a")) if name == "await removal" else None
    with pytest.raises(RowsDiffer, match=r"1 rows of the window are in shop\.t after their removal"):
        replacing(world)
    assert world.sessions["u2"].status is UploadStatus.NORMAL
    world.after = lambda _: None
    replacing(world)
    assert list(world.statements) == ["remove-u1-0", "remove-u1-1"]
    assert all_once(world)


def test_a_name_that_another_run_has_used_removes_nothing_and_doubles_nothing() -> None:
    """It has replaced the same rows, and no journal knows it: this run fails, says so, and goes on under another name.

    A name of its own would not do: an attempt that was superseded could start it behind the commit of the next one.
    """
    world = loaded()
    world.statements["remove-u1-0"] = Statement([OLD_ROW], ended=True)
    before = list(world.table)
    with pytest.raises(RowsDiffer, match=r"clearing the task removes them and commits the new ones"):
        replacing(world)
    assert world.table == before
    assert replacing(world, clear_number=2).upload_id == "u2"
    assert all_once(world)


def test_a_removal_that_the_service_has_forgotten_has_ended() -> None:
    """Whatever is said of the statement, the table tells whether there are rows left to be removed."""
    world = loaded()
    world.crash_before = REPLACEMENT.index("save committing")
    with pytest.raises(Crash):
        replacing(world)
    world.crash_before = None
    world.statements.clear()
    assert replacing(world).upload_id == "u2"
    assert all_once(world)


@pytest.mark.parametrize("started", [False, True])
def test_a_replacement_of_the_release_before_is_completed(started: bool) -> None:
    """It has recorded that rows are being removed, to be loaded then: they are loaded first now."""
    world = loaded()
    assert world.journal is not None
    world.journal |= {"phase": "replacing", "statement_id": "remove-u1-0" if started else None}
    for added in ("replaces", "removing"):
        del world.journal[added]
    if started:
        world.statements["remove-u1-0"] = Statement([OLD_ROW])
    assert replacing(world, on_rerun=OnRerun.KEEP).upload_id == "u2"
    assert all_once(world)
    assert list(world.statements) == ["remove-u1-0"]
