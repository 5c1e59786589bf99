"""How fast a load goes, by a hand clock."""

import pytest
from core.world import World, attempt_at, cluster_of, resources
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load.pacing.throttle import Throttle
from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources, answer_bytes
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.exceptions import Cancelled, InvalidInput
from airflow_provider_kafka_odps.transfers.parameters import parse_bytes

MB = 1_000_000


@pytest.mark.parametrize("size", [1, 300, 7_000])
def test_a_throttle_keeps_its_rate_whatever_the_sizes(size: int) -> None:
    """Ten thousand bytes at a thousand a second take ten seconds within five per cent, in few or in many pieces."""
    clock = HandClock()
    throttle = Throttle(1_000, clock.monotonic())
    taken = 0
    while taken < 10_000:
        clock.seconds = max(clock.seconds, throttle.take(size, clock.seconds))
        taken += size
    assert taken / clock.seconds == pytest.approx(1_000, rel=0.05)


def test_a_throttle_keeps_no_more_than_a_second_of_what_was_not_used() -> None:
    """After a minute without records the next ones come at the rate, but for one second's worth."""
    throttle = Throttle(1_000, 0.0)
    assert throttle.take(5_000, 60.0) == 64.0


@pytest.mark.parametrize("concurrency", [0, 2])
def test_a_load_takes_as_long_as_its_bytes_may(concurrency: int) -> None:
    """A load of n bytes at r bytes per second takes n / r seconds by its clock, within five per cent."""
    world = World(cluster=cluster_of([b"x" * 1_000] * 50))
    slow = attempt_at(world, Mode.APPEND, limits=resources(concurrency, max_bytes_per_second=1_000))
    receipt = transfer(slow)
    assert receipt.bytes / world.clock.seconds == pytest.approx(1_000, rel=0.05)


def test_a_load_that_waits_for_its_turn_can_be_stopped() -> None:
    """A task that is asked to stop while it is held back stops there, not an hour later."""
    world = World(cluster=cluster_of([b"x" * 1_000] * 50))
    world.cancelled = lambda: world.clock.seconds > 3
    with pytest.raises(Cancelled):
        transfer(attempt_at(world, Mode.APPEND, limits=resources(max_bytes_per_second=1)))
    assert world.clock.seconds < 5


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [(5, 5), ("6", 6), ("256MB", 256 * MB), ("1.5 gb", 1_500 * MB), ("64 MiB", 64 << 20), ("2KiB", 2048), ("7B", 7)],
)
def test_amounts_of_bytes_are_understood(written: int | str, bytes_: int) -> None:
    """Numbers and the usual units, decimal and binary, are amounts of bytes."""
    assert parse_bytes(written, "max_memory") == bytes_


@pytest.mark.parametrize("written", ["", "much", "-5", "5TB", "MB", "iB", "5 iB", True])
def test_what_is_no_amount_of_bytes_is_refused(written: str) -> None:
    """Anything else is refused with what was seen and what is wanted."""
    with pytest.raises(InvalidInput, match=r"max_memory=.* is no amount of bytes: write a number, or .256MB."):
        parse_bytes(written, "max_memory")


def test_the_default_has_lanes_and_blocks_as_the_service_wants_them() -> None:
    """By default eight blocks of 64 MiB are written at a time, within 350 MB in all."""
    usual = Resources.within()
    assert usual.concurrency == 8
    assert usual.block_bytes == 64 << 20
    assert MAX_MEMORY <= 350 * MB


def test_little_memory_has_fewer_lanes() -> None:
    """Where the user has asked for no number, what fits is taken."""
    assert Resources.within(max_memory=200 * MB).concurrency == 3
    with pytest.raises(InvalidInput, match="max_memory=50000000 is too little for concurrency=auto: at least 167MB"):
        Resources.within(max_memory=50 * MB)


@pytest.mark.parametrize(("concurrency", "least"), [(1, 167), (64, 894)])
def test_too_little_memory_is_refused_with_what_is_needed(concurrency: int, least: int) -> None:
    """A limit that cannot be held is refused, with the least one that can; this one is then taken."""
    with pytest.raises(InvalidInput, match=f"is too little for concurrency={concurrency}: at least {least}MB"):
        Resources.within(max_memory=50 * MB, concurrency=concurrency)
    assert Resources.within(max_memory=least * MB, concurrency=concurrency).fetch_bytes >= 1 << 20
    with pytest.raises(InvalidInput, match=f"max_memory={least - 1}000000 is too little"):
        Resources.within(max_memory=(least - 1) * MB, concurrency=concurrency)


def test_a_slow_load_has_small_blocks() -> None:
    """Where the user sets the pace, a block takes about a minute: so much is repeated when its connection breaks."""
    assert Resources.within(max_bytes_per_second=4 * MB).block_bytes == 30 * MB
    assert Resources.within(max_bytes_per_second=1).block_bytes == 1 << 20


@pytest.mark.parametrize(
    ("limit", "brokers", "offsets", "asked"),
    [
        # All that is allowed: of one broker, in a window that is not small.
        (6_000_000, 1, 10**9, 6_000_000),
        # Many brokers share it, until answers would become too small.
        (6_000_000, 2, 10**9, 18_000_000 // 5),
        (6_000_000, 200, 10**9, 1 << 20),
        # A small window asks for little.
        (6_000_000, 1, 1, 1 << 20),
        (6_000_000, 1, 1_000, 4_096_000),
        # Never more than is allowed.
        (1_000, 1, 1, 1_000),
    ],
)
def test_an_answer_is_as_large_as_the_window_and_the_memory_want_it(
    limit: int, brokers: int, offsets: int, asked: int
) -> None:
    """What is asked of each broker at once."""
    assert answer_bytes(limit, brokers, offsets) == asked


def test_a_speed_of_nothing_is_refused() -> None:
    """A load that may write no byte would never end."""
    with pytest.raises(InvalidInput, match=r"max_bytes_per_second=0: at least 1, or None"):
        Resources.within(max_bytes_per_second=0)
    with pytest.raises(InvalidInput, match=r"concurrency=-1: 0 or more"):
        Resources.within(concurrency=-1)
