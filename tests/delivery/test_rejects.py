"""SIGKILL around the upload of rejects, and while blocks are written beside the rest: rows and rejects, once."""

from __future__ import annotations

from itertools import product

import pytest
from delivery.conftest import MakeRejecting, MakeScene
from delivery.crash_points import KILL, STOP
from delivery.rejecting import REJECTS, RejectsTo, visible_rejects
from delivery.scene import Scene, together

MODES = ("append", "overwrite")
PLACES = tuple(RejectsTo)
POINTS = [
    *["rejects open", "rejects block 0", "save publishing", "rejects status", "rejects commit"],
    *["save committing", "commit", "save committed"],
]


def check_tries(scene: Scene) -> None:
    """Hold that the window's rejects are visible, once."""
    assert visible_rejects(scene) == REJECTS


@pytest.mark.parametrize("place", PLACES)
def test_killed_while_publishing(make_rejecting: MakeRejecting, place: RejectsTo) -> None:
    """Whatever the attempt was about to do to rows or rejects, the next one ends with both of them, once."""
    cases = [
        (make_rejecting(place, MODES[number % 2], on_rerun="replace"), point) for number, point in enumerate(POINTS)
    ]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({point: KILL}).killed
        if point != "save committed":
            scene.check_unchanged()
        scene.check_loaded_once(scene.attempt())
        check_tries(scene)
        scene.clear()
        scene.check_loaded_once(scene.attempt())
        check_tries(scene)

    together(go_through, cases)


@pytest.mark.parametrize("place", PLACES)
def test_a_zombie_with_rejects(make_rejecting: MakeRejecting, place: RejectsTo) -> None:
    """An attempt that stood still while the next one made rows and rejects visible goes on, and changes nothing."""
    points = ("save publishing", "rejects commit", "save committing", "commit")
    cases = [
        (make_rejecting(place, MODES[number % 2], on_rerun="replace"), point) for number, point in enumerate(points)
    ]

    def go_through(scene: Scene, point: str) -> None:
        zombie = scene.start({point: STOP})
        assert zombie.wait().stopped
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        zombie.go_on()
        assert zombie.wait().error is not None
        scene.check_loaded_once(ended)
        check_tries(scene)

    together(go_through, cases)


def test_killed_while_blocks_are_written_beside_the_rest(make_scene: MakeScene) -> None:
    """With a thread for blocks, too: what is written is invisible, and the next attempt loads all of it, once."""
    points = ["batch #2", "block 0", "block 1", "save committing", "commit", "save committed"]
    cases = [(make_scene(mode), point) for mode, point in product(MODES, points)]

    def go_through(scene: Scene, point: str) -> None:
        scene.concurrency = 1
        assert scene.attempt({point: KILL}).killed
        if point != "save committed":
            scene.check_unchanged()
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)
