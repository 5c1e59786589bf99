"""Several topics in one table are told before the load, and not by `NotReconciled` after its commit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import pytest
from core.world import World, attempt_at
from twins.stores import Memory

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.transfers.runtime.topics import LoadedTopics


def attempt_of(topic: str, partition: str | None = None, mode: Mode = Mode.APPEND, **load: Any) -> Attempt:
    """Return an attempt at loading a topic into the world's table."""
    attempt = attempt_at(World(), mode, after_commit=True)
    target = replace(attempt.load.target, topic=topic, partition=partition)
    return replace(attempt, load=replace(attempt.load, target=target, **{"found_by": ("p", "o"), **load}))


def warned(store: Any, attempt: Attempt, rows: int = 1) -> str:
    """Return what is warned of before a load, which then is noted."""
    said: list[str] = []
    topics = LoadedTopics(store, attempt)
    topics.warn(said.append)
    topics.note(rows)
    return "\n".join(said)


def test_the_second_topic_of_a_table_warns() -> None:
    """It names the other one, the table, what will happen, and both things to do; the first one warns from then on."""
    store = Memory()
    assert warned(store, attempt_of("orders")) == warned(store, attempt_of("orders")) == ""
    said = warned(store, attempt_of("clicks"))
    for words in (
        "rows of topic orders go into shop.t, too",
        "NotReconciled",
        "reconcile=False",
        "'topic': \"'clicks'\"",
    ):
        assert words in said
    assert "rows of topic clicks go into" in warned(store, attempt_of("orders"))


@pytest.mark.parametrize(
    "second",
    [
        attempt_of("clicks", partition="ds=2"),
        attempt_of("clicks", partition="ds=1", reconcile=False),
        attempt_of("clicks", partition="ds=1", found_by=()),
        attempt_of("clicks", partition="ds=1", mode=Mode.OVERWRITE),
    ],
    ids=["another partition", "not compared", "not found by offsets", "overwritten"],
)
def test_what_does_not_fail_does_not_warn(second: Attempt) -> None:
    """A partition for each topic is no mixture, and neither is what nobody counts by offsets."""
    store = Memory()
    warned(store, attempt_of("orders", partition="ds=1"))
    assert warned(store, second) == ""


def test_a_load_without_rows_is_not_noted() -> None:
    """There is nothing of it in the table."""
    store = Memory()
    warned(store, attempt_of("orders"), rows=0)
    assert store.entries == {}
    assert warned(store, attempt_of("clicks")) == ""


def test_a_store_that_fails_keeps_nobody_from_loading() -> None:
    """The warning is a hint: neither a server that is away nor an entry of another release fails a load."""

    class Broken:
        def get(self, key: str) -> NoReturn:
            raise OSError(key)

        set = delete = get

    assert warned(Broken(), attempt_of("orders")) == ""
    store = Memory()
    store.set("topics:shop.t", {"version": 9})
    assert warned(store, attempt_of("orders")) == ""
