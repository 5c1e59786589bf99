"""A real broker, a local MaxCompute, one filled topic, and task instances whose attempts are processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from delivery.forkserver import Nursery, nursery
from delivery.own_hours import DatedLog, overwrite_hours
from delivery.rejecting import RejectingLog, RejectsTo, reject
from delivery.scene import Log, Scene, environment, route, scene_of
from demo.broker import Broker, running_broker

from airflow_provider_kafka_odps.local.testing import RunningEndpoint


class MakeScene(Protocol):
    """Returns a task instance that has not run yet, and its table with one row in it."""

    def __call__(self, mode: str = "append", **parameters: object) -> Scene: ...


class MakeRejecting(Protocol):
    """Returns a task instance that has not run yet, whose topic has rejects, and where these go."""

    def __call__(self, place: RejectsTo, mode: str = "append", **parameters: object) -> Scene: ...


@pytest.fixture(scope="session")
def attempts(broker: Broker, endpoint: RunningEndpoint) -> Iterator[Nursery]:
    """Return what starts attempts, whose default connections lead to the broker and the endpoint."""
    with nursery(environment(broker, endpoint)) as started:
        yield started


@pytest.fixture(autouse=True)
def connections(broker: Broker, endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make broker and endpoint the default connections of this process, too."""
    for name, connection in environment(broker, endpoint).items():
        monkeypatch.setenv(name, connection)


@pytest.fixture(scope="session")
def log(broker: Broker, make_topic: Callable[..., str]) -> Log:
    """Return a topic with plain records, an aborted and a committed transaction, and a partition for later records."""
    filled = Log(broker.bootstrap_servers, make_topic(partitions=3))
    filled.fill()
    return filled


@pytest.fixture
def make_scene(attempts: Nursery, log: Log, endpoint: RunningEndpoint, tmp_path: Path) -> MakeScene:
    """Return a function that makes task instances, each with a table of its own."""

    def make(mode: str = "append", **parameters: object) -> Scene:
        scene = scene_of(attempts, log, endpoint, tmp_path, mode)
        scene.folder.joinpath(scene.table).mkdir()
        scene.folder /= scene.table
        scene.parameters |= parameters
        return scene

    return make


@pytest.fixture
def make_routed(make_scene: MakeScene) -> MakeScene:
    """Return a function that makes task instances whose records say the partition: each value is one."""

    def make(mode: str = "append", **parameters: object) -> Scene:
        return route(make_scene(mode, **parameters))

    return make


@pytest.fixture(scope="session")
def dated_log(broker: Broker, make_topic: Callable[..., str]) -> DatedLog:
    """Return a topic whose records have times."""
    filled = DatedLog(broker.bootstrap_servers, make_topic(partitions=3))
    filled.fill()
    return filled


@pytest.fixture
def make_hours(make_scene: MakeScene, dated_log: DatedLog) -> MakeScene:
    """Return a function that makes task instances which overwrite the partitions of three hours."""

    def make(mode: str = "overwrite", **parameters: object) -> Scene:
        return overwrite_hours(make_scene(mode, **parameters), dated_log)

    return make


@pytest.fixture(scope="session")
def rejecting_log(broker: Broker, make_topic: Callable[..., str]) -> RejectingLog:
    """Return a topic with records that do not fit."""
    filled = RejectingLog(broker.bootstrap_servers, make_topic(partitions=3))
    filled.fill()
    return filled


@pytest.fixture
def make_rejecting(make_scene: MakeScene, rejecting_log: RejectingLog) -> MakeRejecting:
    """Return a function that makes task instances with rejects."""

    def make(place: RejectsTo, mode: str = "append", **parameters: object) -> Scene:
        return reject(make_scene(mode, **parameters), rejecting_log, place)

    return make


@pytest.fixture
def cluster() -> Iterator[Broker]:
    """Return three brokers of its own, of which a test may kill one."""
    settings = {
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "300",
        "controller.quorum.election.timeout.ms": "500",
        "controller.quorum.fetch.timeout.ms": "1500",
        # An answer has a record or two, so that a window takes many of them.
        "fetch.max.bytes": "1024",
    }
    with running_broker(nodes=3, settings=settings) as cluster:
        yield cluster
