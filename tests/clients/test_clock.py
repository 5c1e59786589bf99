"""Pauses that somebody can break off."""

from __future__ import annotations

import pytest
from kit.asked import AskedBy
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.clock import StoppableClock
from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.exceptions import Cancelled


def test_a_pause_lasts_as_long_as_it_should() -> None:
    """Nobody who is not asked to stop wakes up early, or late."""
    hand = HandClock()
    StoppableClock(Cancellation().check, hand).sleep(30)
    assert hand.seconds == pytest.approx(30)


def test_a_pause_is_broken_off_within_a_second() -> None:
    """Whoever is asked to stop in the third second of a long pause leaves it before the fourth."""
    hand = HandClock()
    clock = StoppableClock(AskedBy(lambda: hand.seconds >= 3).check, hand)
    with pytest.raises(Cancelled, match="asked to stop"):
        clock.sleep(900)
    assert 3 <= clock.monotonic() < 4


def test_a_pause_does_not_begin_when_it_is_over() -> None:
    """Whoever has been asked to stop already does not wait at all."""
    hand, cancellation = HandClock(), Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        StoppableClock(cancellation.check, hand).sleep(1)
    assert hand.slept == []
