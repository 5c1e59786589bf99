"""How pauses grow."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.exceptions import InvalidInput


def test_pauses_double_up_to_the_longest() -> None:
    """The first pause is the first, each next one is twice as long, and none is above the longest."""
    backoff = Backoff(first=0.05, longest=1.0)
    assert [backoff.pause(tries) for tries in range(1, 8)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_the_thousandth_pause_is_the_longest() -> None:
    """A statement that is asked for all day has as many tries as that."""
    assert Backoff(first=0.02, longest=2.0).pause(100_000) == 2.0


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
def test_jitter_stays_within_half_a_pause(jitter: float, pause: float) -> None:
    """Clients that failed together wait between half of the pause and all of it."""
    assert Backoff(first=1, longest=4).pause(3, jitter) == pause


@pytest.mark.parametrize(("first", "longest"), [(0, 1), (-1, 1), (1, 0)])
def test_impossible_pauses_are_refused(first: float, longest: float) -> None:
    """A pause of nothing is refused, showing the value."""
    with pytest.raises(InvalidInput, match=f"first={first}, longest={longest}"):
        Backoff(first, longest)
