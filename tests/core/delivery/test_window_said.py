"""The log has the window before anything can fail, in every attempt."""

from __future__ import annotations

import pytest
from core.world import Crash, World, attempt_at, cluster_of

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.exceptions import AlreadyLoaded, JournalMismatch

LINE = "window orders earliest → latest, 4 offsets: orders[0]@[0, 3), orders[1]@[0, 1), 1 partition without any"


def test_it_is_said_first_and_once() -> None:
    """A load says its window before all else."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    assert (world.said[0], world.said.count(LINE)) == (LINE, 1)


@pytest.mark.parametrize("effect", ["announce", "open"])
def test_an_attempt_that_fails_has_said_it(effect: str) -> None:
    """The first thing that fails comes behind it, and the next attempt says it again."""
    world = World()

    def die(name: str) -> None:
        if name == effect:
            raise Crash(name)

    world.before = die
    for number in (1, 2):
        with pytest.raises(Crash):
            transfer(attempt_at(world, Mode.APPEND, try_number=number))
        assert world.said.pop(0) == LINE
        world.said.clear()


def test_an_empty_window_is_said() -> None:
    """Nothing to load: the log says where."""
    world = World(cluster=cluster_of([], []))
    transfer(attempt_at(world, Mode.APPEND))
    assert world.said[0] == "window orders earliest → latest, 0 offsets: orders[0]@[0, 0), orders[1]@[0, 0)"
    assert "0 rows are in shop.t, nothing was uploaded" in world.said


@pytest.mark.parametrize("on_rerun", [OnRerun.KEEP, OnRerun.REPLACE])
def test_a_cleared_load_says_it(on_rerun: OnRerun) -> None:
    """What is kept or replaced is said, and that it was recorded before."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    world.said.clear()
    transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=on_rerun, by_rows=True))
    assert world.said[0] == LINE
    assert world.said[1].startswith("the recorded window is used")


def test_a_cleared_load_of_nothing_names_no_upload() -> None:
    """There was none."""
    world = World(cluster=cluster_of([]))
    transfer(attempt_at(world, Mode.APPEND))
    transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.KEEP))
    assert world.said[-1] == "0 rows are already there, nothing was uploaded; nothing is loaded again"


def test_a_refusal_has_said_it() -> None:
    """Rows that are there already are those of a window that the log names."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    world.said.clear()
    with pytest.raises(AlreadyLoaded):
        transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.FAIL))
    assert world.said[0] == LINE
    with pytest.raises(JournalMismatch):
        transfer(attempt_at(world, Mode.OVERWRITE))
    assert world.said[-1] == LINE
