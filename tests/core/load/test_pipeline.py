"""Stages at the same time: order, bounds, and an end that leaves nothing running."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial

import pytest
from core.world import World, attempt_at, cluster_of, resources

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load import pipeline as module
from airflow_provider_kafka_odps.core.load.pipeline import Pipeline
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.exceptions import Cancelled, InvalidInput

LANES = pytest.mark.parametrize("lanes", [0, 1, 3])
SOON = 20.0


def never() -> None:
    """Ask nobody to stop."""


def threads() -> list[threading.Thread]:
    """Return the threads of pipelines that run."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("load-")]


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Hold every test to ending its threads."""
    yield
    for thread in threads():
        thread.join(SOON)
    assert not threads()


class Counting:
    """A generator of numbers that knows how far it is, who ran it, and who closed it."""

    def __init__(self, end: int) -> None:
        self.given = 0
        self.ran_by = self.closed_by = 0
        self.numbers = self._numbers(end)

    def _numbers(self, end: int) -> Generator[int]:
        self.ran_by = threading.get_ident()
        try:
            for number in range(end):
                self.given += 1
                yield number
        finally:
            self.closed_by = threading.get_ident()


@LANES
def test_items_keep_their_order(lanes: int) -> None:
    """Through two stages items come in their order, and every call is made, with threads and without."""
    done: list[int] = []
    with Pipeline(lanes, never, never) as pipeline:
        numbers = pipeline.ahead(Counting(500).numbers, lambda _: 1, 3)
        doubled = pipeline.ahead((2 * number for number in numbers), lambda _: 1, 3)
        seen = []
        for number in doubled:
            seen.append(number)
            pipeline.dispatch(partial(done.append, number))
    assert seen == sorted(done) == list(range(0, 1000, 2))
    assert not threads()


def test_a_stage_runs_ahead_as_far_as_its_bytes_allow() -> None:
    """A stage that is 10 bytes ahead waits: three items of 4 are too many, two and the one in its hand are made."""
    counting = Counting(100)
    gate = threading.Event()
    with Pipeline(1, never, never) as pipeline:
        numbers = pipeline.ahead(counting.numbers, lambda _: 4, 10)
        waited = threading.Event()

        def look() -> None:
            while counting.given < 3 and not waited.wait(0.01):
                pass
            assert not waited.wait(0.05)
            gate.set()

        pipeline.dispatch(look)
        assert gate.wait(SOON)
        assert counting.given == 3
        assert list(numbers) == list(range(100))


def test_an_item_larger_than_the_queue_passes() -> None:
    """An item above the limit goes through alone; it would wait for ever otherwise."""
    with Pipeline(1, never, never) as pipeline:
        assert list(pipeline.ahead(Counting(5).numbers, lambda _: 1000, 10)) == [0, 1, 2, 3, 4]


@LANES
@pytest.mark.parametrize("stage", ["first", "second", "call"])
def test_the_first_error_ends_every_stage_and_is_the_one_raised(lanes: int, stage: str) -> None:
    """An error of any stage is raised as it was, and the generators are closed, each by the thread that ran it."""
    counting = Counting(10_000)

    def fail(at: str, number: int) -> int:
        if at == stage and number == 50:
            raise ZeroDivisionError(at)
        return number

    def call(number: int) -> None:
        fail("call", number)

    def stages() -> None:
        with Pipeline(lanes, never, never) as pipeline:
            numbers = pipeline.ahead((fail("first", n) for n in counting.numbers), lambda _: 1, 3)
            for number in pipeline.ahead((fail("second", n) for n in numbers), lambda _: 1, 3):
                pipeline.dispatch(partial(call, number))

    with pytest.raises(ZeroDivisionError, match=stage):
        stages()
    assert counting.given < 1000
    assert not threads()
    assert (counting.ran_by == threading.get_ident()) is (lanes == 0)


@LANES
def test_a_generator_is_closed_by_the_thread_that_ran_it(lanes: int) -> None:
    """An error of the caller closes what runs ahead, where it runs; a consumer of Kafka takes no second thread."""
    counting = Counting(10_000)

    def load() -> None:
        with Pipeline(lanes, never, never) as pipeline:
            next(pipeline.ahead(counting.numbers, lambda _: 1, 3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load()
    assert counting.closed_by == counting.ran_by != 0


def test_an_error_wakes_whoever_waits_for_the_outside() -> None:
    """A reader that waits for its broker is told to stop when a block fails, though no queue wakes it."""
    told = threading.Event()

    def silent() -> Generator[int]:
        yield 1
        assert told.wait(SOON)

    def fail() -> None:
        raise ZeroDivisionError

    def load() -> None:
        with Pipeline(1, never, told.set) as pipeline:
            for _ in pipeline.ahead(silent(), lambda _: 1, 3):
                pipeline.dispatch(fail)

    with pytest.raises(ZeroDivisionError):
        load()
    assert told.is_set()


def test_a_flag_ends_a_wait_that_nobody_wakes() -> None:
    """A task that is asked to stop while all stages wait stops: the flag is looked at several times a second."""
    asked = threading.Event()
    waits = threading.Event()

    def silent() -> Generator[int]:
        asked.set()
        assert waits.wait(SOON)
        yield 1

    def check() -> None:
        if asked.is_set():
            raise Cancelled("asked to stop")

    with pytest.raises(Cancelled), Pipeline(1, check, waits.set) as pipeline:
        list(pipeline.ahead(silent(), lambda _: 1, 3))


def test_a_call_that_nothing_breaks_off_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error a call that hangs is left to its own deadline: Airflow would kill the task before."""
    monkeypatch.setattr(module, "_GRACE", 0.05)
    hangs = threading.Event()

    def hang() -> None:
        hangs.wait(SOON)

    def load() -> None:
        with Pipeline(1, never, never) as pipeline:
            pipeline.dispatch(hang)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load()
    assert threads()
    hangs.set()


def test_a_call_that_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing failed, the context is left only when the last block is written, however long that takes."""
    monkeypatch.setattr(module, "_GRACE", 0.0)
    ended = threading.Event()

    def write() -> None:
        time.sleep(0.1)
        ended.set()

    with Pipeline(2, never, never) as pipeline:
        pipeline.dispatch(write)
    assert ended.is_set()


def test_no_more_calls_run_at_once_than_lanes() -> None:
    """Two lanes run two calls at once, never three."""
    at_once = most = 0
    lock = threading.Lock()
    pair = threading.Barrier(2)

    def call() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        pair.wait(SOON)
        with lock:
            at_once -= 1

    with Pipeline(2, never, never) as pipeline:
        for _ in range(20):
            pipeline.dispatch(call)
    assert most == 2


def test_a_negative_concurrency_is_refused() -> None:
    """Blocks cannot be written by fewer than no threads."""
    with pytest.raises(InvalidInput, match=r"concurrency=-1: 0 or more"):
        Pipeline(-1, never, never)


@pytest.mark.parametrize("mode", Mode)
def test_a_load_with_threads_puts_the_same_blocks_under_the_same_numbers(mode: Mode) -> None:
    """However stages overlap, block by block the rows are those of a load that does one thing after the other."""
    found = []
    for concurrency in (0, 3):
        world = World(cluster=cluster_of([b"%d" % n for n in range(40)], [b"x", None, b"y"], [], policy="compact"))
        receipt = transfer(_concurrent(world, mode, concurrency))
        found.append((world.sessions["u1"].blocks, world.table, receipt.to_json()))
    assert found[0] == found[1]
    assert len(found[0][0]) == 42


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
