"""What ends a load early."""

from __future__ import annotations

import pytest
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.exceptions import Cancelled, LoadTimedOut


def test_whoever_checks_after_a_cancellation_leaves() -> None:
    """Nobody leaves before, and everybody after; while a load is going on, the error says that nothing is committed."""
    cancellation = Cancellation()
    cancellation.check()
    cancellation.cancel()
    assert cancellation.is_cancelled
    with pytest.raises(Cancelled, match=r"asked to stop$"):
        cancellation.check()
    cancellation.begin(str)
    with pytest.raises(Cancelled, match=r"asked to stop; nothing was committed$"):
        cancellation.check()


def test_a_load_has_its_seconds_from_its_begin_to_its_commit() -> None:
    """Before it begins, and once the deadline is lifted, no time is too long; the error says how far the load is."""
    clock = HandClock()
    cancellation = Cancellation(10.0, clock.monotonic)
    clock.sleep(60)
    cancellation.check()
    cancellation.begin(lambda: "3 of 4 offsets")
    clock.sleep(9)
    cancellation.check()
    clock.sleep(1)
    with pytest.raises(LoadTimedOut, match=r"within load_timeout=10 s, and nothing was committed: 3 of 4 offsets\. A"):
        cancellation.check()
    assert not cancellation.is_cancelled
    cancellation.lift()
    cancellation.check()


def test_a_load_without_a_deadline_may_take_for_ever() -> None:
    """Where nobody gave a number of seconds, none is too many."""
    clock = HandClock()
    cancellation = Cancellation(None, clock.monotonic)
    cancellation.begin(str)
    clock.sleep(1e9)
    cancellation.check()
