"""The gate: so many compute at once, nobody keeps a place while it waits, and a stopped load waits for none."""

import threading
from contextlib import suppress

import pytest

from airflow_provider_kafka_odps.core.load.pacing.gate import Gate
from airflow_provider_kafka_odps.exceptions import Cancelled

SOON = 20.0


def never() -> None:
    """Ask nobody to stop."""


def is_free(gate: Gate) -> bool:
    """Tell whether a place is left, by taking and leaving it."""

    def no_wait() -> None:
        raise Cancelled("none")

    turn = gate.turn(no_wait)
    try:
        turn.take()
    except Cancelled:
        return False
    turn.leave()
    return True


@pytest.mark.parametrize("places", [-1, 0, 1, 2, 3])
def test_so_many_compute_at_once(places: int) -> None:
    """At least one, whatever is asked for: nothing would move."""
    gate = Gate(places)
    for _ in range(max(1, places)):
        assert is_free(gate)
        gate.turn(never).take()
    assert not is_free(gate)


def test_a_place_that_is_left_is_the_next_ones() -> None:
    """Whoever waits gets it; a place is left once, however often that is said, and taken once."""
    gate, taken = Gate(1), threading.Event()
    first, second = gate.turn(never), gate.turn(never)
    first.take()
    first.take()

    def wait() -> None:
        second.take()
        taken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not taken.is_set()
    first.leave()
    first.leave()
    assert taken.wait(SOON)
    thread.join(SOON)
    assert not is_free(gate)


def test_a_load_that_is_to_stop_waits_for_no_place() -> None:
    """The place may never be left: whoever has it hangs."""
    gate = Gate(1)
    gate.turn(never).take()

    def check() -> None:
        raise Cancelled("asked to stop")

    turn, stopped = gate.turn(check), threading.Event()

    def wait() -> None:
        with suppress(Cancelled):
            turn.take()
        stopped.set()

    threading.Thread(target=wait, daemon=True).start()
    assert stopped.wait(SOON)
    turn.leave()
    assert not is_free(gate)
