"""A recorded window that is not what is asked for now is loaded all the same, and it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core.world import World, attempt_at, cluster_of

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import IsolationLevel, Mode
from airflow_provider_kafka_odps.core.window.bounds import At, Earliest, Latest, Offsets, Previous
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import Unreachable

FIRST = WindowRequest("orders", Earliest(), Latest(), partitions=frozenset({0}))


def run(world: World, request: WindowRequest, **changes: Any) -> Receipt:
    """Run an attempt that asks for a window."""
    attempt = attempt_at(world, Mode.APPEND, **changes)
    return transfer(replace(attempt, load=replace(attempt.load, request=request)))


def failed_once(request: WindowRequest = FIRST) -> World:
    """Return a world in which the window was recorded, and whose first attempt failed before anything was loaded."""
    world = World(cluster=cluster_of([b"a"], [b"b"]))

    def fail(effect: str) -> None:
        if effect == "open":
            raise Unreachable("no answer in 5 s")

    world.before = fail
    with pytest.raises(Unreachable):
        run(world, request)
    world.before = lambda _: None
    assert world.warned == []
    return world


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"partitions": frozenset({1})}, "partitions: [0] recorded, [1] asked for"),
        ({"partitions": None}, "partitions: [0] recorded, all asked for"),
        ({"start": At(1_795_341_600_000)}, "start: earliest recorded, 2026-11-22T10:00:00Z asked for"),
        ({"end": Offsets(None, {0: 1})}, 'end: latest recorded, {"0": 1} asked for'),
        (
            {"isolation_level": IsolationLevel.READ_UNCOMMITTED},
            "isolation_level: read_committed recorded, read_uncommitted asked for",
        ),
    ],
)
def test_a_window_that_is_not_what_is_asked_for_says_so(now: dict[str, Any], said: str) -> None:
    """By a warning and in the receipt, in every attempt: what is asked for now is loaded by nobody."""
    world = failed_once()
    for _ in range(2):
        receipt = run(world, replace(FIRST, **now), try_number=2)
        assert [each.partition for each in receipt.window.ranges] == [0]
        assert receipt.differs == (said,)
        assert receipt.to_json()["differs"] == [said]
        assert said in world.warned.pop()
        assert world.warned == []
    assert world.table[1:] == [(0, 0, "a")]


def test_all_partitions_that_were_asked_for_are_not_some() -> None:
    """Of a window of all partitions, too, it is known what was asked for."""
    everything = replace(FIRST, partitions=None)
    world = failed_once(everything)
    receipt = run(world, replace(FIRST, partitions=frozenset({0, 1})), try_number=2)
    assert receipt.differs == ()
    assert run(world, replace(FIRST, partitions=frozenset({1}))).differs == (
        "partitions: [0, 1] recorded, [1] asked for",
    )


@pytest.mark.parametrize("request_", [FIRST, replace(FIRST, partitions=None)], ids=["some", "all"])
def test_the_same_request_is_no_difference(request_: WindowRequest) -> None:
    """A retry of the same task says nothing."""
    world = failed_once(request_)
    world.log[0].append(b"late")
    assert run(world, request_, try_number=2).differs == ()
    assert world.warned == []


def test_the_first_window_of_a_chain_is_none() -> None:
    """Its start is that of first_start, which a retry does not ask for."""
    world = failed_once()
    assert run(world, replace(FIRST, start=Previous()), try_number=2).differs == ()
