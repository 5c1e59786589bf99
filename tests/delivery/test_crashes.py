"""SIGKILL or SIGSTOP between any two effects, then a retry or a click on "Clear": every record of the window once."""

from __future__ import annotations

from itertools import product

import pytest
from delivery.conftest import MakeScene
from delivery.crash_points import KILL, STOP
from delivery.scene import Log, Scene, together

MODES = ("append", "overwrite")
LOADING = [
    *["topic id", "ensure", "open", "save uploading", "block 0", "read", "batch", "read to the end"],
    *["block 1", "read #2", "batch #2", "batch #3", "read to the end #2"],
    *["topic id #2", "save committing", "commit", "save committed", "reconcile", "end"],
]
POINTS = ["survey", "save planned", "announce", *LOADING]
VISIBLE = POINTS[POINTS.index("commit") + 1 :]
"""Where the rows are in the table already."""
IN_DOUBT = ["commit", *VISIBLE]
"""Where the fence is behind the attempt: the rows are in the table, or the next attempt puts them there."""
WAYS_ON = ("a retry", "keep", "replace", "fail")
"""A retry, or a click on "Clear" with this `on_rerun`. Before the fence the latter makes no difference."""
REPLACING = [
    *["count", "block 1", "topic id #2", "count #2", "save replacing", "start removal", "save replacing #2"],
    *["await removal", "count #3", "save committing", "commit", "save committed"],
]
SETTLING = ["announce", "status", "commit", "save committed", "reconcile", "end"]


def on_rerun(way: str) -> str:
    """Return the operator's parameter for a way on."""
    return "keep" if way == "a retry" else way


@pytest.mark.parametrize("mode", MODES)
def test_every_effect_has_a_point(make_scene: MakeScene, mode: str) -> None:
    """What is killed below at each of its points is the whole of an attempt."""
    scene = make_scene(mode)
    running = scene.start()
    scene.check_loaded_once(running.wait())
    assert running.trace() == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, make_scene: MakeScene, log: Log) -> None:
    """All or nothing is visible; the next attempt, a retry or a user's, uses the window that was recorded, if any."""
    both = [*product(MODES, WAYS_ON)]
    # Before the fence every way on is the same one, and behind the journal's last word, too: two of them are enough.
    first = POINTS.index(point) % 4
    chosen = both if point in {"commit", "save committed", "end"} else [both[first], both[4 + (first + 1) % 4]]
    cases = [(make_scene(mode, on_rerun=on_rerun(way)), way) for mode, way in chosen]

    def kill(scene: Scene, _: str) -> None:
        assert scene.attempt({point: KILL}).killed
        if point not in VISIBLE:
            scene.check_unchanged()

    def go_on(scene: Scene, way: str) -> None:
        entry = scene.journal()
        # Before the window is planned, the entry has its phase only.
        recorded = entry if entry is not None and "window" in entry else None
        if way != "a retry":
            scene.clear()
        ended = scene.attempt()
        if way == "fail" and point in IN_DOUBT:
            assert (ended.error, ended.retry_helps) == ("AlreadyLoaded", False)
            scene.check_rows()
            return
        scene.check_loaded_once(ended)
        assert ended.receipt is not None
        window = ended.receipt["window"]
        if recorded is not None:
            assert window == recorded["window"]
        assert (window["partitions"]["2"] == scene.beyond) is (recorded is not None)

    together(kill, cases)
    log.come_later()
    together(go_on, cases)


@pytest.mark.parametrize("point", ["block 0", "read to the end", "save committing", "save committed"])
def test_killed_at_with_workers(point: str, make_scene: MakeScene) -> None:
    """Two processes share the window: their load is visible whole or not at all, too, and a retry fixes it."""
    cases = [(make_scene(mode, workers=2),) for mode in MODES]

    def go_through(scene: Scene) -> None:
        assert scene.attempt({point: KILL}).killed
        if point not in VISIBLE:
            scene.check_unchanged()
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        assert ended.receipt is not None
        # Where the first attempt has committed, it is its receipt.
        assert ended.receipt["workers"] == 2

    together(go_through, cases)


@pytest.mark.parametrize("point", ["block 1", "batch #2", "read to the end", "read to the end #2", "save committed"])
def test_killed_at_with_lanes(point: str, make_scene: MakeScene) -> None:
    """Two blocks are written at a time, whichever is further: all is visible or nothing, and a retry fixes it."""
    cases = [(make_scene(mode),) for mode in MODES]

    def go_through(scene: Scene) -> None:
        scene.concurrency = 2
        assert scene.attempt({point: KILL}).killed
        if point not in VISIBLE:
            scene.check_unchanged()
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        assert ended.receipt is not None
        assert ended.receipt["blocks"] == 2

    together(go_through, cases)


@pytest.mark.parametrize("point", ["block 1", "read to the end"])
def test_a_zombie_with_lanes(point: str, make_scene: MakeScene) -> None:
    """Lanes that stood still while the next attempt has loaded write their blocks late: into an upload of their own."""
    cases = [(make_scene(mode),) for mode in MODES]

    def go_through(scene: Scene) -> None:
        scene.concurrency = 2
        zombie = scene.start({point: STOP})
        assert zombie.wait().stopped
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        zombie.go_on()
        assert zombie.wait().error == "AirflowRuntimeError", zombie.log()
        assert "block 1" in zombie.trace()
        assert "commit" not in zombie.trace()
        scene.check_loaded_once(ended)

    together(go_through, cases)


@pytest.mark.parametrize("point", ["topic id", "block 1", "save committing", "commit", "save committed"])
def test_a_zombie(point: str, make_scene: MakeScene) -> None:
    """An attempt that was superseded while it stood still goes on afterwards, and changes nothing."""
    both = [*product(MODES, ("a retry", "replace"))]
    cases = [
        (make_scene(mode, on_rerun=on_rerun(way)), way) for mode, way in (both if point in IN_DOUBT else both[::3])
    ]

    def go_through(scene: Scene, way: str) -> None:
        zombie = scene.start({point: STOP})
        assert zombie.wait().stopped
        if way != "a retry":
            scene.clear()
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        zombie.go_on()
        assert zombie.wait().error == "AirflowRuntimeError", zombie.log()
        scene.check_loaded_once(ended)
        assert ("commit" in zombie.trace()) is (point in IN_DOUBT)

    together(go_through, cases)


def test_a_zombie_meets_the_living(make_scene: MakeScene) -> None:
    """Two attempts stand before the commit of one session: whoever goes first, the rows are there once."""
    cases = [(make_scene(mode), zombie_first) for mode in MODES for zombie_first in (True, False)]

    def go_through(scene: Scene, zombie_first: bool) -> None:
        zombie = scene.start({"commit": STOP})
        assert zombie.wait().stopped
        living = scene.start({"commit": STOP})
        assert living.wait().stopped
        for attempt in (zombie, living) if zombie_first else (living, zombie):
            attempt.go_on()
            attempt.wait()
            scene.check_rows()
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_killed_over_and_over(make_scene: MakeScene) -> None:
    """An attempt dies at each point in turn; the one that is let live ends as if it had been the first."""

    def go_through(scene: Scene) -> None:
        # The other mode dies at the other points.
        for point in POINTS[MODES.index(scene.parameters["mode"]) :: 2]:
            if point not in VISIBLE:
                assert scene.attempt({point: KILL}).killed, point
                scene.check_unchanged()
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        scene.check_loaded_once(scene.attempt())

    together(go_through, [(make_scene(mode),) for mode in MODES])


@pytest.mark.parametrize("first", ["commit", "save committed"])
def test_killed_while_settling(make_scene: MakeScene, first: str) -> None:
    """The attempt that finds a commit in doubt dies, too, wherever it may; the third one finds the rows, once."""
    points = [point for point in SETTLING if (point, first) != ("commit", "save committed")]
    cases = [(make_scene(MODES[number % 2]), point) for number, point in enumerate(points)]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({first: KILL}).killed
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_killed_while_replacing(make_scene: MakeScene) -> None:
    """A replacement that dies anywhere is completed, and ends with each row once."""
    cases = [(make_scene(on_rerun="replace"), point) for point in REPLACING]

    def go_through(scene: Scene, point: str) -> None:
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_a_zombie_while_replacing(make_scene: MakeScene) -> None:
    """An attempt that stands still while it removes rows does not remove those that the next one has loaded since."""
    points = ["count", "count #2", "save replacing", "start removal", "save replacing #2", "await removal", "commit"]
    cases = [(make_scene(on_rerun="replace"), point) for point in points]

    def go_through(scene: Scene, point: str) -> None:
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        zombie = scene.start({point: STOP})
        assert zombie.wait().stopped
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        zombie.go_on()
        assert zombie.wait().error is not None
        scene.check_loaded_once(ended)

    together(go_through, cases)
