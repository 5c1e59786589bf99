"""A seeded random walk over crash, fault, retry, clear and zombie: after every step all rows are there once, or none.

``make torture STEPS=2000 SEED=7`` takes as many steps as one likes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from delivery import walk
from delivery.conftest import MakeRejecting, MakeScene
from delivery.rejecting import RejectsTo
from delivery.scene import Log, Scene
from delivery.walk import History, Kind, PromiseBroken, Step, histories, outcome, shortest, walk_all

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

STEPS = int(os.environ.get("TORTURE_STEPS") or 200)
SEED = os.environ.get("TORTURE_SEED")


@pytest.fixture
def walked(make_scene: MakeScene, make_routed: MakeScene, make_rejecting: MakeRejecting) -> Callable[[History], Scene]:
    """Return a function that makes the task instance of a history."""

    def make(history: History) -> Scene:
        parameters = {"on_rerun": history.on_rerun, "commit_timeout": 1, "workers": history.workers}
        if history.routed:
            return make_routed(history.mode, **parameters)
        if history.rejects_to is None:
            scene = make_scene(history.mode, **parameters)
        else:
            scene = make_rejecting(history.rejects_to, history.mode, **parameters)
        scene.concurrency = history.lanes
        return scene

    return make


@pytest.mark.timeout(60 + 3 * STEPS)
def test_no_walk_loses_or_doubles_a_row(walked: Callable[[History], Scene], endpoint: RunningEndpoint) -> None:
    """Whatever happens to a task instance, and in which order: its window is in the table once, in the end."""
    # Unless it is given, the seed comes from that of the whole run, which pytest prints.
    seed = int(SEED) if SEED else random.getrandbits(32)
    drawn = [*histories(seed, STEPS)]
    print(f"{STEPS} steps in {len(drawn)} histories, seed {seed}")  # noqa: T201 - `make torture` shows it
    try:
        if found := walk_all(drawn, walked):
            history, broken = found
            short = shortest(history, lambda each: outcome(each, walked) is not None)
            again = outcome(short, walked) or broken
            pytest.fail(f"make torture STEPS={STEPS} SEED={seed} breaks the promise; in short:\n{short}\n\n{again}")
    finally:
        endpoint.control.clear()


def test_the_same_seed_is_the_same_walk() -> None:
    """A walk that failed can be taken again, and has the number of steps that was asked for."""
    assert [*histories(7, 50)] == [*histories(7, 50)] != [*histories(8, 50)]
    assert sum(len(history.steps) for history in histories(7, 50)) == 50


def test_what_fails_is_made_short() -> None:
    """Only the steps remain without which it does not fail."""
    needed = [Step(Kind.KILL, "commit"), Step(Kind.CLEAR)]
    drawn = next(histories(7, 9)).steps
    history = History("append", "keep", (*drawn, needed[0], *drawn, needed[1]))
    assert [*shortest(history, lambda each: set(needed) <= set(each.steps)).steps] == needed


def test_a_broken_promise_is_noticed(walked: Callable[[History], Scene], log: Log) -> None:
    """The walk fails, and tells what happened, where a record of the topic is not in the table."""

    def lossy(history: History) -> Scene:
        scene = walked(history)
        scene.log = Log(log.servers, log.topic, log.came_later, [*log._records, (1, 0, "never loaded")])
        return scene

    broken = outcome(History("append", "keep", (Step(Kind.CLEAR), Step(Kind.RUN))), lossy)
    assert isinstance(broken, PromiseBroken)
    assert "neither all rows are there, once, nor none" in str(broken)
    assert "1. clear the task\n2. run an attempt → it has ended well" in str(broken)


def test_rejects_that_are_not_there_are_noticed(
    walked: Callable[[History], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk fails where the rows are visible and their rejects are not."""
    monkeypatch.setattr(walk, "visible_rejects", lambda _: [])
    broken = outcome(History("append", "keep", (Step(Kind.RUN),), RejectsTo.PATH), walked)
    assert isinstance(broken, PromiseBroken)
    assert "the rows are there, and not their rejects" in str(broken)
