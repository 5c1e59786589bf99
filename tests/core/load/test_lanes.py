"""Lanes: order, an end that leaves nothing running, and the same blocks however many there are."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from core.world import World, attempt_at, cluster_of, resources
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load.lanes import lanes as module
from airflow_provider_kafka_odps.core.load.lanes.lanes import Lanes
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.exceptions import Cancelled, InvalidInput

LANES = pytest.mark.parametrize("lanes", [0, 1, 3])
SOON = 20.0


def never() -> None:
    """Ask nobody to stop."""


def threads() -> list[threading.Thread]:
    """Return the threads of lanes that run."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("load-")]


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Hold every test to ending its threads."""
    yield
    for thread in threads():
        thread.join(SOON)
    assert not threads()


@LANES
def test_every_item_is_worked_on_once(lanes: int) -> None:
    """Whatever the number of lanes, and in order where there is one of them at most."""
    done: list[int] = []
    Lanes[int](lanes, never, never).run(range(500), lambda: nullcontext(done.append), never)
    assert sorted(done) == list(range(500))
    assert done == sorted(done) or lanes > 1
    assert not threads()


@LANES
def test_the_first_error_ends_every_lane_and_is_the_one_raised(lanes: int) -> None:
    """What a lane raises is raised as it was, and no item is begun after it."""
    begun: list[int] = []
    told = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 50:
            raise ZeroDivisionError("the fifty-first")
        if number > 50:
            told.wait(SOON)

    with pytest.raises(ZeroDivisionError, match="the fifty-first"):
        Lanes[int](lanes, never, told.set).run(range(10_000), lambda: nullcontext(work), never)
    assert len(begun) <= 50 + 2 * max(lanes, 1)
    assert told.is_set() is (lanes > 0)


def test_a_lane_that_waits_is_stopped_by_the_error_of_another() -> None:
    """Whatever takes long asks, and is told that the load has ended; only the first error is raised."""
    both = threading.Barrier(2)
    lanes = Lanes[int](2, never, never)

    def work(number: int) -> None:
        both.wait(SOON)
        if number:
            raise ZeroDivisionError
        until = time.monotonic() + SOON
        while time.monotonic() < until:
            lanes.check()

    with pytest.raises(ZeroDivisionError):
        lanes.run([0, 1], lambda: nullcontext(work), never)
    assert not threads()


def test_a_lane_that_is_stopped_is_waited_for() -> None:
    """It may take a moment until it has left what it was at; nothing runs any more when the error is raised."""
    both = threading.Barrier(2)
    lanes = Lanes[int](2, never, never)

    def work(number: int) -> None:
        both.wait(SOON)
        if number:
            raise ZeroDivisionError
        time.sleep(0.3)

    with pytest.raises(ZeroDivisionError):
        lanes.run([0, 1], lambda: nullcontext(work), never)
    assert not threads()


@pytest.mark.parametrize("pays", [False, True])
def test_more_lanes_join_only_where_that_pays(pays: bool) -> None:
    """One begins; others come once somebody says that they are worth it."""
    two, seen = threading.Event(), set[str]()

    def work(_: int) -> None:
        seen.add(str(threading.get_ident()))
        if len(seen) > 1:
            two.set()
        two.wait(0.2 if not pays else SOON)

    Lanes[int](4, never, never).run(range(4), lambda: nullcontext(work), never, 1, lambda: pays)
    assert (len(seen) > 1) is pays


@LANES
def test_a_flag_ends_a_wait_that_nobody_wakes(lanes: int) -> None:
    """A task that is asked to stop while all lanes wait stops: the flag is looked at several times a second."""
    asked, stopped = threading.Event(), threading.Event()

    def work(_: int) -> None:
        asked.set()
        stopped.wait(SOON if lanes else 0)

    def check() -> None:
        if asked.is_set():
            raise Cancelled("asked to stop")

    with pytest.raises(Cancelled):
        Lanes[int](lanes, check, stopped.set).run(range(2), lambda: nullcontext(work), never)


def test_an_error_of_whoever_looks_on_ends_the_lanes() -> None:
    """A worker that has failed, or rejects beyond what is tolerated, are found by the thread that waits."""
    stopped = threading.Event()

    def work(_: int) -> None:
        stopped.wait(SOON)

    def glance() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Lanes[int](2, never, stopped.set).run(range(10), lambda: nullcontext(work), glance)
    assert stopped.is_set()


@pytest.mark.parametrize("first", [1, 2])
def test_a_lane_that_cannot_start_ends_the_others(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may have no thread left: those that run write nothing more, and nobody waits for one that does not."""
    start, started, stopped = threading.Thread.start, list[str](), threading.Event()

    def start_one(thread: threading.Thread) -> None:
        started.append(thread.name)
        if len(started) > 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="can't start"):
        Lanes[int](2, never, stopped.set).run(range(9), lambda: nullcontext(lambda _: time.sleep(0.2)), never, first)
    assert stopped.is_set()
    assert not threads()
    assert time.monotonic() - began < module._GRACE


def test_a_call_that_nothing_breaks_off_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error a call that hangs is left to its own deadline: Airflow would kill the task before."""
    monkeypatch.setattr(module, "_GRACE", 0.05)
    hangs, begun = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number:
            begun.wait(SOON)
            raise ZeroDivisionError
        begun.set()
        hangs.wait(SOON)

    with pytest.raises(ZeroDivisionError):
        Lanes[int](2, never, never).run([0, 1], lambda: nullcontext(work), never)
    assert threads()
    hangs.set()


def test_a_call_that_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing failed, it returns only when the last block is written, however long that takes."""
    monkeypatch.setattr(module, "_GRACE", 0.0)
    ended = threading.Event()

    def work(_: int) -> None:
        time.sleep(0.5)
        ended.set()

    Lanes[int](2, never, never).run([1], lambda: nullcontext(work), never)
    assert ended.is_set()


def test_a_lane_that_waits_for_its_turn_is_asked_to_stop() -> None:
    """Where the pace is slow, a block may wait for minutes."""
    clock, asked = HandClock(), list[float]()

    def check() -> None:
        asked.append(clock.seconds)
        if len(asked) > 2:
            raise Cancelled("asked to stop")

    start = clock.monotonic()
    with pytest.raises(Cancelled):
        Lanes[int](1, check, never).sleep_until(start + 600.0, clock)
    assert clock.monotonic() - start < 1.0


def test_no_more_items_are_worked_on_at_once_than_lanes() -> None:
    """Two lanes work on two items at once, never on three."""
    at_once = most = 0
    lock = threading.Lock()
    pair = threading.Barrier(2)

    def work(_: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        pair.wait(SOON)
        with lock:
            at_once -= 1

    Lanes[int](2, never, never).run(range(20), lambda: nullcontext(work), never)
    assert most == 2


def test_a_negative_concurrency_is_refused() -> None:
    """Blocks cannot be written by fewer than no threads."""
    with pytest.raises(InvalidInput, match=r"concurrency=-1: 0 or more"):
        Lanes[int](-1, never, never)


@pytest.mark.parametrize("mode", Mode)
def test_a_load_with_threads_puts_the_same_blocks_under_the_same_numbers(mode: Mode) -> None:
    """However stages overlap, block by block the rows are those of a load that does one thing after the other."""
    found = []
    for concurrency in (0, 3):
        world = World(cluster=cluster_of([b"%d" % n for n in range(40)], [b"x", None, b"y"], [], policy="compact"))
        receipt = transfer(_concurrent(world, mode, concurrency))
        # How many lanes there were at a time is all that differs.
        found.append((world.sessions["u1"].blocks, world.table, {**receipt.to_json(), "lanes": None}))
    assert found[0] == found[1]
    assert len(found[0][0]) == 43


@pytest.mark.parametrize("effect", ["read 0:7", "write block 3", "write block 41"])
def test_a_load_with_threads_commits_nothing_after_an_error(effect: str) -> None:
    """An error of any stage is what the attempt raises; nothing becomes visible, and the next attempt loads it all."""
    world = World(cluster=cluster_of([b"%d" % n for n in range(40)], [b"x", b"y"], []))
    before: Callable[[str], None] = world.before

    def fail(name: str) -> None:
        if name == effect:
            raise ZeroDivisionError(name)

    world.before = fail
    with pytest.raises(ZeroDivisionError, match=effect):
        transfer(_concurrent(world, Mode.OVERWRITE, 2))
    assert not any(name == "commit" for name in world.effects)
    world.before = before
    receipt = transfer(_concurrent(world, Mode.OVERWRITE, 2))
    assert (receipt.rows, world.table) == (42, world.records())


def _concurrent(world: World, mode: Mode, concurrency: int) -> Attempt:
    """Return an attempt whose stages overlap."""
    return attempt_at(world, mode, limits=resources(concurrency))
