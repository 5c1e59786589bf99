"""SIGKILL or SIGSTOP between any two effects of a load whose records say the partition: each record once, in its own.

At no moment one partition of the load is visible without the others.
"""

from __future__ import annotations

import pytest
from delivery.conftest import MakeScene
from delivery.crash_points import KILL, STOP
from delivery.scene import Log, Scene, together
from delivery.test_crashes import POINTS

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

MERGING = [
    *["look at the staged", "save merging", "start merge", "save merging #2", "await merge", "look at the staged #2"],
    *["save committed", "drop the staged"],
]
ROUTED = [*POINTS[: POINTS.index("save committed")], *MERGING, "reconcile", "end"]
STARTED = ROUTED[ROUTED.index("save merging #2") :]
"""Where the statement was started: the rows may be in the table already."""
REPLACING = [
    *["count", "block 1", "save replacing", "start removal", "save replacing #2", "await removal", "count #3"],
    *["save committing", "commit", "save merging", "start merge", "await merge", "save committed"],
]


def check_partitions(scene: Scene) -> None:
    """Hold that every row is in the partition that its value names, and that nothing is staged any more."""
    hook = OdpsHook()
    found = hook.run_sql(f"SELECT v, ds FROM {scene.table} WHERE p >= 0").to_pylist()
    assert all(row["v"] == row["ds"] for row in found)
    assert hook.run_sql(f"SELECT COUNT(*) AS n FROM {scene.table}__kafka_staging").to_pylist() == [{"n": 0}]


def check_all_or_nothing(scene: Scene) -> None:
    """Hold that all rows of the window are visible, or none of them."""
    if len(scene.rows()) > 1:
        scene.check_rows()


def go_on_late(scene: Scene, point: str) -> None:
    """Have an attempt stand still, and go on when the next one has loaded the window: it changes nothing."""
    zombie = scene.start({point: STOP})
    assert zombie.wait().stopped
    ended = scene.attempt()
    scene.check_loaded_once(ended)
    zombie.go_on()
    assert zombie.wait().error is not None, zombie.log()
    scene.check_loaded_once(ended)


def test_every_effect_has_a_point(make_routed: MakeScene) -> None:
    """What is killed below at each of its points is the whole of an attempt."""
    scene = make_routed()
    running = scene.start()
    scene.check_loaded_once(running.wait())
    assert running.trace() == ROUTED
    check_partitions(scene)


@pytest.mark.parametrize("point", ROUTED[ROUTED.index("ensure") :])
def test_killed_while_merging(point: str, make_routed: MakeScene, log: Log) -> None:
    """All partitions or none are visible; the next attempt, a retry or a user's, uses the window that was recorded."""
    cases = [(make_routed(), way) for way in ("a retry", "keep")]

    def kill(scene: Scene, _: str) -> None:
        assert scene.attempt({point: KILL}).killed
        if point not in STARTED:
            scene.check_unchanged()
        check_all_or_nothing(scene)

    def go_on(scene: Scene, way: str) -> None:
        entry = scene.journal()
        if way != "a retry":
            scene.clear()
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        assert ended.receipt is not None
        assert entry is not None
        assert ended.receipt["window"] == entry["window"]
        if point != "drop the staged":
            check_partitions(scene)

    together(kill, cases)
    log.come_later()
    together(go_on, cases)


def test_killed_while_going_on_with_a_merge(make_routed: MakeScene) -> None:
    """The attempt that finds the statement dies, too, wherever it may; the third one finds the rows, once."""
    points = ["announce", "look at the staged", "start merge", "save merging", "await merge", "save committed", "end"]
    cases = [(make_routed(), point) for point in points]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({"start merge": KILL}).killed
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_a_zombie_while_merging(make_routed: MakeScene) -> None:
    """An attempt that was superseded while it stood still goes on afterwards, and moves nothing a second time."""
    cases = [(make_routed(), point) for point in ("commit", "save merging", "start merge", "await merge")]

    together(go_on_late, cases)


def test_killed_while_replacing_routed(make_routed: MakeScene) -> None:
    """A replacement of the rows of several partitions that dies anywhere is completed, and ends with each row once."""
    cases = [(make_routed(on_rerun="replace"), point) for point in REPLACING]

    def go_through(scene: Scene, point: str) -> None:
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())
        check_partitions(scene)

    together(go_through, cases)


@pytest.mark.parametrize("point", ["block 0", "save committing", "start merge", "save committed"])
def test_killed_while_merging_with_workers(point: str, make_routed: MakeScene) -> None:
    """Two processes stage the window together, and one statement moves it."""
    scene = make_routed(workers=2)
    assert scene.attempt({point: KILL}).killed
    check_all_or_nothing(scene)
    ended = scene.attempt()
    scene.check_loaded_once(ended)
    assert ended.receipt is not None
    assert ended.receipt["workers"] == 2


OVER = [
    "commit",
    *MERGING[: MERGING.index("save committed")],
    "empty",
    "save committed",
    "drop the staged",
    "reconcile",
]
"""From the commit on; ``empty``: the partition that gets no row loses what it had."""


def test_every_effect_of_an_overwrite_has_a_point(make_hours: MakeScene) -> None:
    """What is killed below at each of its points is the whole of an attempt."""
    scene = make_hours()
    running = scene.start()
    scene.check_loaded_once(running.wait())
    trace = running.trace()
    assert trace[trace.index("commit") :] == [*OVER, "end"]


def test_killed_while_overwriting(make_hours: MakeScene) -> None:
    """Anywhere from the commit on: rows of the interval's partitions are the window's, each once, and no other."""
    cases = [(make_hours(), point) for point in OVER]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({point: KILL}).killed
        scene.check_loaded_once(scene.attempt())

    together(go_through, cases)


def test_killed_while_overwriting_again(make_hours: MakeScene) -> None:
    """A cleared load that dies anywhere is completed by a retry, or a person is asked and clears it once more."""
    cases = [(make_hours(), point) for point in OVER[: OVER.index("empty")]]

    def go_through(scene: Scene, point: str) -> None:
        scene.check_loaded_once(scene.attempt())
        scene.clear()
        assert scene.attempt({point: KILL}).killed
        scene.check_rows()
        ended = scene.attempt()
        if point == "save merging #2":
            # Whether the statement has run, or somebody else has written, cannot be told.
            assert ended.error == "NewerRows"
            scene.clear()
            ended = scene.attempt()
        scene.check_loaded_once(ended)

    together(go_through, cases)


def test_a_zombie_while_overwriting(make_hours: MakeScene) -> None:
    """An attempt that was superseded while it stood still goes on afterwards, and changes nothing."""
    cases = [(make_hours(), point) for point in ("commit", "save merging", "start merge", "await merge")]

    together(go_on_late, cases)
