"""Hours in any order, backfills and reruns, by a real scheduler: every record is in exactly one window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from scheduled.conftest import MakeHistory
from scheduled.history import History

pytestmark = pytest.mark.timeout(1200)
HOURS = 24


def play_in_order(history: History, random: Random) -> None:
    """Let the scheduler make 24 runs, one after the other, while records of all hours come."""
    history.records.send([0.5])
    with history.records.meanwhile(random, HOURS):
        history.unpause()
        history.await_runs(HOURS - 4)
    history.await_runs(HOURS + 1)
    history.check_tiles(history.runs())


def play_four_at_a_time(history: History, random: Random) -> None:
    """Backfill the same hours, four at a time."""
    history.unpause()
    with history.records.meanwhile(random, HOURS):
        history.backfill(0, HOURS - 1)
    history.backfill(HOURS, HOURS)
    history.check_tiles(history.runs())


PLAYS: dict[str, Callable[[History, Random], None]] = {
    name.removeprefix("play_"): play for name, play in globals().items() if name.startswith("play_")
}


@pytest.fixture(scope="module")
def played(make_history: MakeHistory, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """Return the histories that are wanted, all of which have begun."""
    wanted: set[str] = {_history(item) for item in request.session.items if _history(item)}
    with ThreadPoolExecutor(len(wanted)) as pool:
        yield {name: pool.submit(PLAYS[name], make_history(name), Random(name)) for name in PLAYS if name in wanted}


def _history(item: Any) -> str:
    return (
        str(item.callspec.params["history"])
        if item.path.name == "test_histories.py" and hasattr(item, "callspec")
        else ""
    )


@pytest.mark.parametrize("history", PLAYS)
def test_windows_tile_the_log(played: dict[str, Future[None]], history: str) -> None:
    """Whatever happens to its runs, every record of the topic is in one window, and in the table once."""
    played[history].result()
