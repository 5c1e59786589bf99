"""SIGKILL around the upload of rejects, and while blocks are written beside the rest: rows and rejects, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import pytest
from delivery.conftest import MakeScene
from delivery.points import KILL, STOP
from delivery.scene import COLUMNS, Log, Row, Scene, together
from demo.broker import Broker
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

MODES = ("append", "overwrite")
PLACES = ("rejects_table", "rejects_path")
POINTS = [
    *["rejects open", "rejects block 0", "save publishing", "rejects status", "rejects commit"],
    *["save committing", "commit", "save committed"],
]
VALUES = {0: [b'{"n": 1}', b'{"n": "x"}', b'{"n": 3}'], 1: [b'{"n": "y"}']}
REJECTS = [(0, 1), (1, 0)]


class RejectingLog(Log):
    """A topic of which two records do not fit a table with a number."""

    def fill(self) -> None:
        """Write them."""
        for partition, values in VALUES.items():
            send(producer(self.servers), self.topic, values, partition=partition)

    def records(self, ranges: Mapping[str, tuple[int, int]]) -> list[Row]:
        """Return a row for every record that fits; no test here reads less than all of them."""
        assert {number: (*each,) for number, each in ranges.items()} == {"0": (0, 3), "1": (0, 1), "2": (0, 0)}
        every = [(p, o, value.decode()) for p, values in VALUES.items() for o, value in enumerate(values)]
        return [row for row in every if row[:2] not in REJECTS]


@pytest.fixture(scope="session")
def rejecting_log(broker: Broker, make_topic: Callable[..., str]) -> RejectingLog:
    """Return the topic, filled."""
    filled = RejectingLog(broker.bootstrap_servers, make_topic(partitions=3))
    filled.fill()
    return filled


@pytest.fixture
def make_rejecting(make_scene: MakeScene, rejecting_log: RejectingLog) -> Callable[[str, str], Scene]:
    """Return a function that makes task instances of a mode, with rejects that go to a place."""

    def make(mode: str, place: str) -> Scene:
        scene = make_scene(mode, max_rejects="unlimited", on_rerun="replace", topic=rejecting_log.topic)
        scene.log = rejecting_log
        OdpsHook().run_sql(f"ALTER TABLE {scene.table} ADD COLUMNS (n BIGINT)")
        to = {"rejects_table": f"{scene.table}_rejects", "rejects_path": str(scene.folder / "rejects.jsonl")}
        scene.parameters |= {"columns": {**COLUMNS, "n": "n"}, place: to[place], "start": {"0": 0, "1": 0, "2": 0}}
        return scene

    return make


def check_rejects(scene: Scene) -> None:
    """Hold that the window's rejects are visible, once."""
    if path := scene.parameters.get("rejects_path"):
        found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    else:
        found = OdpsHook().run_sql(f"SELECT * FROM {scene.parameters['rejects_table']}").to_pylist()
    assert sorted((row["kafka_partition"], row["kafka_offset"]) for row in found) == REJECTS


@pytest.mark.parametrize("place", PLACES)
def test_killed_while_publishing(make_rejecting: Callable[[str, str], Scene], place: str) -> None:
    """Whatever the attempt was about to do to rows or rejects, the next one ends with both of them, once."""
    cases = [(make_rejecting(MODES[number % 2], place), point) for number, point in enumerate(POINTS)]

    def go_through(scene: Scene, point: str) -> None:
        assert scene.attempt({point: KILL}).killed
        if point != "save committed":
            scene.check_unchanged()
        scene.check_loaded_once(scene.attempt())
        check_rejects(scene)
        scene.clear()
        scene.check_loaded_once(scene.attempt())
        check_rejects(scene)

    together(go_through, cases)


@pytest.mark.parametrize("place", PLACES)
def test_a_zombie_with_rejects(make_rejecting: Callable[[str, str], Scene], place: str) -> None:
    """An attempt that stood still while the next one made rows and rejects visible goes on, and changes nothing."""
    points = ("save publishing", "rejects commit", "save committing", "commit")
    cases = [(make_rejecting(MODES[number % 2], place), point) for number, point in enumerate(points)]

    def go_through(scene: Scene, point: str) -> None:
        zombie = scene.start({point: STOP})
        assert zombie.wait().stopped
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        zombie.go_on()
        assert zombie.wait().error is not None
        scene.check_loaded_once(ended)
        check_rejects(scene)

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
