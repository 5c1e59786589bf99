"""The planning lock, in memory and as a consumer group of a real broker: one holder, and notes by it alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kit.clusters import cluster_at
from twins.planning_lock import Group, TwinLock

from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
from airflow_provider_kafka_odps.clients.kafka.groups.planning_lock import KafkaPlanningLock
from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock
from airflow_provider_kafka_odps.exceptions import BrokerRefused, Cancelled, PlannedAtOnce

_SESSION = 6.0
"""The shortest that brokers allow (group.min.session.timeout.ms)."""
_PATIENT = 60.0


class Planners(Protocol):
    """Those who plan windows of one topic with two partitions, for one table."""

    def planner(self, patience: float = _PATIENT, check: Callable[[], None] = ...) -> PlanningLock:
        """Return another one's way to the lock."""

    def stall(self) -> None:
        """Let whoever holds the lock be silent for longer than it may."""


def _never() -> None:
    """Ask nobody to stop."""


@dataclass
class TwinPlanners:
    """In memory."""

    group: Group = field(default_factory=lambda: Group(longest=8000))

    def planner(self, patience: float = _PATIENT, check: Callable[[], None] = _never) -> PlanningLock:
        ends = time.monotonic() + patience

        def wait() -> None:
            check()
            if time.monotonic() > ends:
                raise PlannedAtOnce("for too long")
            time.sleep(0.01)

        return TwinLock(self.group, wait)

    def stall(self) -> None:
        self.group.expel()


@dataclass
class BrokerPlanners:
    """On a broker."""

    cluster: Cluster
    topic: str

    def planner(self, patience: float = _PATIENT, check: Callable[[], None] = _never) -> PlanningLock:
        return KafkaPlanningLock(self.cluster, self.topic, "maxcompute://shop/t", check, _SESSION, patience)

    def stall(self) -> None:
        time.sleep(_SESSION + 1)


@pytest.fixture(params=["twin", "real"])
def planners(request: pytest.FixtureRequest) -> Planners:
    """Return planners of a topic of their own."""
    if request.param == "twin":
        return TwinPlanners()
    broker: Broker = request.getfixturevalue("broker")
    make_topic: MakeTopic = request.getfixturevalue("make_topic")
    return BrokerPlanners(cluster_at(broker.bootstrap_servers), make_topic(2))


@contextmanager
def held(lock: PlanningLock) -> Iterator[str | None]:
    """Hold the lock in the block."""
    try:
        yield lock.acquire()
    finally:
        lock.release()


def test_the_next_holder_finds_the_note(planners: Planners) -> None:
    """At first there is none; then the last one counts, long or short; who notes nothing leaves it."""
    one, other = planners.planner(), planners.planner()
    long = '{"offsets":' + "[12345678]" * 700 + "}"
    for lock, before, notes in (
        (one, None, ["first", "second"]),
        (other, "second", [long]),
        (one, long, []),
        (one, long, ["short"]),
        (other, "short", []),
    ):
        with held(lock) as found:
            assert found == before
            for note in notes:
                lock.note(note)


def test_one_holds_it_at_a_time(planners: Planners) -> None:
    """Whoever comes waits until the holder has left; its notes are taken meanwhile."""
    one, other, entered = planners.planner(), planners.planner(), Event()

    def enter() -> str | None:
        with held(other) as found:
            entered.set()
            return found

    with ThreadPoolExecutor(1) as pool:
        with held(one):
            waiting = pool.submit(enter)
            assert not entered.wait(1.0)
            one.note("while another waits")
        assert waiting.result(_PATIENT) == "while another waits"


def test_of_many_each_has_its_turn(planners: Planners) -> None:
    """Six planners that each add one to what is noted, three times, add up."""

    def add(_: int) -> None:
        lock = planners.planner()
        for _ in range(3):
            with held(lock) as found:
                lock.note(str(int(found or "0") + 1))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    with held(planners.planner()) as found:
        assert found == "18"


@pytest.mark.parametrize("comes", [True, False], ids=["another comes", "nobody comes"])
def test_a_holder_that_was_silent_for_too_long_can_note_nothing(planners: Planners, comes: bool) -> None:
    """It has lost the lock, whether it knows or not; what another has noted stays; it may come again."""
    stalled, other = planners.planner(), planners.planner()
    with held(stalled):
        stalled.note("in time")
        planners.stall()
        if comes:
            with held(other) as found:
                assert found == "in time"
                other.note("the other's")
        with pytest.raises(PlannedAtOnce):
            stalled.note("too late")
    with held(stalled) as found:
        assert found == ("the other's" if comes else "in time")


def test_others_are_not_waited_for_for_ever(planners: Planners) -> None:
    """A planner whose patience ends says so; a retry helps."""
    with held(planners.planner()), pytest.raises(PlannedAtOnce):
        planners.planner(patience=0.5).acquire()


def test_a_note_that_is_too_long_is_refused_whole(planners: Planners) -> None:
    """What was noted before stays, and the lock is still held."""
    lock = planners.planner()
    with held(lock):
        lock.note("before")
        with pytest.raises(BrokerRefused):
            lock.note("x" * 8001)
        lock.note("after")
    with held(lock) as found:
        assert found == "after"


def test_who_is_asked_to_stop_waits_no_more(planners: Planners) -> None:
    """A wait can be broken off, and does not take the lock later; leaving twice is harmless."""
    stopped = Event()

    def check() -> None:
        if stopped.is_set():
            raise Cancelled("asked to stop")

    holder, waiting = planners.planner(), planners.planner(check=check)
    with ThreadPoolExecutor(1) as pool:
        with held(holder):
            result = pool.submit(waiting.acquire)
            time.sleep(0.3)
            stopped.set()
            with pytest.raises(Cancelled):
                result.result(5)
            waiting.release()
        holder.release()
        with held(planners.planner()) as found:
            assert found is None
