"""An overwrite whose commit is in doubt does not cover what somebody has written since."""

from __future__ import annotations

from typing import Any

import pytest
from core.world import Crash, World, attempt_at, cluster_of
from twins.maxcompute import RejectSink, Row, Session

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitRejected, CommitUnknown, NewerRows

THEIRS: list[Row] = [(0, 5, "x"), (0, 6, "y"), (0, 7, "z")]


def run(world: World, **changes: Any) -> Receipt:
    """Run an attempt at overwriting the table with what the log has."""
    return transfer(attempt_at(world, Mode.OVERWRITE, **changes))


def world_of(*faults: str) -> World:
    """Return a world with two records, in which commits go wrong."""
    return World(cluster=cluster_of([b"a", b"b"]), commit_faults=[*faults])


def overwritten_by_another(world: World) -> None:
    """Let another run overwrite the table."""
    session = Session(overwrite=True, blocks={0: list(THEIRS)})
    world.visible(session)


def test_newer_rows_are_not_covered_by_a_commit_in_doubt() -> None:
    """The first attempt dies at its commit, another run overwrites, and the retry finds the first session open."""
    world = world_of()
    with pytest.raises(Crash):
        die_at(world, "commit")
    overwritten_by_another(world)
    for _ in range(2):
        with pytest.raises(NewerRows, match=r"(?s)shop\.t.*Clear the task.*mark it as success"):
            run(world, try_number=2)
        assert world.table == THEIRS


@pytest.mark.parametrize("on_rerun", OnRerun)
def test_who_clears_the_task_loads_the_window_over_them(on_rerun: OnRerun) -> None:
    """A clear is the user's word that this window is wanted; it is loaded by an upload of its own."""
    world = world_of()
    with pytest.raises(Crash):
        die_at(world, "commit")
    overwritten_by_another(world)
    assert run(world, clear_number=1, on_rerun=on_rerun).upload_id == "u2"
    assert len(world.table) == 2


def test_nobody_else_is_no_reason() -> None:
    """Where the table is as it was, the session that is open is committed as ever."""
    world = world_of()
    with pytest.raises(Crash):
        die_at(world, "commit")
    assert run(world, try_number=2).upload_id == "u1"


def test_a_commit_that_landed_late_is_no_newer_one() -> None:
    """What changed the table is this very upload: the session says so."""
    world = world_of("closing")
    world.closing = 1
    with pytest.raises(Crash):
        die_at(world, "ask for the status")
    assert run(world, try_number=2).learned is CommitProof.SETTLED


def test_within_an_attempt_too() -> None:
    """Another run overwrites while a commit without an answer waits for its second try."""
    world = world_of("lost")
    waited = world.clock.sleep

    def sleep(seconds: float) -> None:
        overwritten_by_another(world)
        waited(seconds)

    world.clock.sleep = sleep  # type: ignore[method-assign]
    with pytest.raises((NewerRows, CommitRejected)):
        run(world)
    assert world.table == THEIRS


def test_within_an_attempt_its_own_commit_is_no_newer_one() -> None:
    """The commit without an answer lands while its second try waits: the session says so, and that is success."""
    world = world_of("lost")
    waited = world.clock.sleep

    def sleep(seconds: float) -> None:
        if world.sessions["u1"].status is UploadStatus.NORMAL:
            world.visible(world.sessions["u1"])
        waited(seconds)

    world.clock.sleep = sleep  # type: ignore[method-assign]
    assert run(world).learned is CommitProof.SETTLED


def test_before_the_rows_of_published_rejects() -> None:
    """An attempt dies when its rejects are visible and its rows are not."""
    world = World(cluster=cluster_of([b"a", b"\xff"]))
    with pytest.raises(Crash):
        die_at(world, "publish", rejects=RejectSink(world))
    overwritten_by_another(world)
    with pytest.raises(NewerRows):
        run(world, rejects=RejectSink(world), try_number=2)
    assert world.table == THEIRS


def test_a_session_that_is_gone_proves_nothing() -> None:
    """Its rows, or another run's: where they are the window's, they are ours; otherwise a person has to look."""
    world = world_of("applied and gone")
    assert run(world, by_rows=True).learned is CommitProof.PROVED

    world = world_of("gone")
    with pytest.raises(CommitUnknown, match="loads the window again"):
        run(world, by_rows=True)
    overwritten_by_another(world)
    with pytest.raises(CommitUnknown, match=r"(?s)3 rows.*Clear the task"):
        run(world, by_rows=True, try_number=2)
    assert world.table == THEIRS
    assert run(world, by_rows=True, clear_number=1).rows == 2


def test_a_session_that_is_gone_and_nobody_has_written() -> None:
    """Not even this upload: the window is loaded again, without a question."""
    world = world_of("gone")
    with pytest.raises(CommitUnknown, match="loads the window again"):
        run(world)
    assert run(world, try_number=2).upload_id == "u2"


def test_a_journal_of_an_earlier_release_goes_on_as_it_did() -> None:
    """It has no mark of the table: the open session is committed."""
    world = world_of()
    with pytest.raises(Crash):
        die_at(world, "commit")
    assert world.journal is not None
    del world.journal["last_change"]
    overwritten_by_another(world)
    assert run(world, try_number=2).upload_id == "u1"


def die_at(world: World, effect: str, **changes: Any) -> None:
    """Run an attempt that dies before this effect."""

    def before(name: str) -> None:
        if name == effect:
            raise Crash(effect)

    world.before = before
    try:
        run(world, **changes)
    finally:
        world.before = lambda _: None
