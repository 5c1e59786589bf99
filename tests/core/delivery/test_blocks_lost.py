"""An upload that lacks blocks, or holds strange ones, is given up at once where nobody has asked for its commit."""

from __future__ import annotations

import pytest
from core.world import Crash, World, attempt_at
from twins.maxcompute import RejectSink

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.exceptions import BlocksDiffer, CommitRejected

MODES = pytest.mark.parametrize("mode", Mode)
SAVED = "save committing"


def lose_a_block(world: World, upload: str, effect: str = SAVED) -> None:
    """Let the service lose a block of an upload right before an effect."""

    def before(name: str) -> None:
        if name == effect and upload in world.sessions:
            world.sessions[upload].blocks.pop(1, None)

    world.before = before


@MODES
@pytest.mark.parametrize("with_rejects", [False, True])
def test_a_block_that_the_service_has_lost(mode: Mode, with_rejects: bool) -> None:
    """No commit was sent, so none can land: the fence is taken back, and the next attempt loads the window again."""
    world = World()
    rejects = RejectSink(world) if with_rejects else None
    lose_a_block(world, "u1")
    with pytest.raises(BlocksDiffer, match=r"(?s)u1.*\[0, 4\).*The next attempt loads the window again") as failed:
        transfer(attempt_at(world, mode, rejects=rejects))
    assert failed.value.retry_helps
    receipt = transfer(attempt_at(world, mode, rejects=rejects, try_number=2))
    assert (receipt.upload_id, receipt.rows) == ("u2", 4)
    assert sorted(world.table)[-4:] == sorted(world.records())


def test_after_the_rows_that_it_replaces_were_removed() -> None:
    """They are loaded again, whatever on_rerun says by then."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    lose_a_block(world, "u2")
    with pytest.raises(BlocksDiffer):
        transfer(attempt_at(world, Mode.APPEND, by_rows=True, clear_number=1, on_rerun=OnRerun.REPLACE))
    assert len(world.table) == 1
    for _ in range(2):
        assert transfer(attempt_at(world, Mode.APPEND, by_rows=True, clear_number=1)).upload_id == "u3"
    assert sorted(world.table)[1:] == sorted(world.records())


@MODES
def test_where_a_commit_may_be_under_way(mode: Mode) -> None:
    """An earlier attempt may have sent it before the block was lost: nothing is loaded before the session has ended."""
    world = World()

    def before(name: str) -> None:
        if name == "commit":
            raise Crash(name)

    world.before = before
    with pytest.raises(Crash):
        transfer(attempt_at(world, mode))
    world.before = lambda _: None
    world.sessions["u1"].blocks.pop(1)
    for _ in range(2):
        with pytest.raises(CommitRejected, match=r"(?s)u1.*may have been sent.*expires.*24 hours"):
            transfer(attempt_at(world, mode, try_number=2))
    assert len(world.sessions) == 1
    world.expire(world.sessions.values())
    by_rows = mode is Mode.APPEND
    if by_rows:
        assert world.journal is not None
        world.journal["receipt"]["found_by"] = ["p", "o"]
    assert transfer(attempt_at(world, mode, by_rows=by_rows, try_number=3)).upload_id == "u2"


@MODES
def test_a_commit_that_was_sent_once_in_this_attempt(mode: Mode) -> None:
    """Its answer is lost, and then the block is: the session's own word is waited for."""
    world = World(commit_faults=["lost"])
    waited = world.clock.sleep

    def sleep(seconds: float) -> None:
        world.sessions["u1"].blocks.pop(1, None)
        waited(seconds)

    world.clock.sleep = sleep  # type: ignore[method-assign]
    with pytest.raises(CommitRejected, match="may have been sent"):
        transfer(attempt_at(world, mode))
    assert world.journal is not None
    assert world.journal["phase"] == "committing"
