"""SIGKILL between any two effects, then a retry or a click on "Clear": every record of the window once."""

from __future__ import annotations

import pytest
from delivery.conftest import MakeScene
from delivery.points import KILL
from delivery.scene import Log, Scene, together

MODES = ("append", "overwrite")
LOADING = [
    *["topic id", "ensure", "open", "save uploading", "read", "batch", "block 0", "batch #2", "block 1"],
    *["read to the end", "topic id #2", "save committing", "commit", "save committed", "reconcile", "end"],
]
POINTS = ["survey", "save planned", "announce", *LOADING]
VISIBLE = POINTS[POINTS.index("commit") + 1 :]
"""Where the rows are in the table already."""
REPLACING = [
    *["announce", "count", "save replacing", "start removal", "save replacing #2", "await removal"],
    *["topic id", "save uploading", "block 1", "save committing", "commit", "save committed", "reconcile"],
]
SETTLING = ["announce", "status", "commit", "save committed", "reconcile", "end"]


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
    cases = [(make_scene(mode), by_the_user) for mode in MODES for by_the_user in (False, True)]

    def kill(scene: Scene, _: bool) -> None:
        assert scene.attempt({point: KILL}).killed
        if point not in VISIBLE:
            scene.check_unchanged()

    def go_on(scene: Scene, by_the_user: bool) -> None:
        recorded = scene.journal()
        scene.clear_number += by_the_user
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        assert ended.receipt is not None
        window = ended.receipt["window"]
        if recorded is not None:
            assert window == recorded["window"]
        assert (window["partitions"]["2"] == scene.beyond) is (recorded is not None)

    together(kill, cases)
    log.come_later()
    together(go_on, cases)


def test_killed_over_and_over(make_scene: MakeScene) -> None:
    """An attempt dies at each point in turn; the one that is let live ends as if it had been the first."""

    def go_through(scene: Scene) -> None:
        for point in POINTS:
            if point not in VISIBLE:
                assert scene.attempt({point: KILL}).killed, point
                scene.check_unchanged()
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        scene.check_loaded_once(scene.attempt())

    together(go_through, [(make_scene(mode),) for mode in MODES])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", ["commit", "save committed"])
def test_killed_while_settling(make_scene: MakeScene, mode: str, first: str) -> None:
    """The attempt that finds a commit in doubt dies, too, wherever it may; the third one finds the rows, once."""
    points = [point for point in SETTLING if (point, first) != ("commit", "save committed")]
    cases = [(make_scene(mode), point) for point in points]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({first: KILL}).killed
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_killed_while_replacing(make_scene: MakeScene) -> None:
    """A replacement that dies anywhere between removing the rows and having them back is completed."""
    cases = [(make_scene(on_rerun="replace"), point) for point in REPLACING]

    def go_through(scene: Scene, point: str) -> None:
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)
