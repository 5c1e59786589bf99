"""Whether one more lane pays: by what lanes have done, in time that is moved by hand."""

from __future__ import annotations

from twins.clock import HandClock

from airflow_provider_kafka_odps.core.load.pacing.pace import Pace

MB = 1024 * 1024


def test_lanes_that_wait_get_company() -> None:
    """Two lanes that have made rows for a tenth of their time were waiting for the rest of it."""
    clock = HandClock()
    pace = Pace(clock)
    clock.sleep(0.5)
    assert pace.pays(2, made=0.1, size=2 * MB)


def test_lanes_that_make_rows_all_the_time_get_no_company() -> None:
    """Where the processor has enough to do, another lane would only take memory."""
    clock = HandClock()
    pace = Pace(clock)
    clock.sleep(0.5)
    assert not pace.pays(2, made=0.9, size=2 * MB)


def test_lanes_are_judged_by_what_they_have_done_since() -> None:
    """Not before there is enough of it, or a second is over; and what was judged once says nothing the next time."""
    clock = HandClock()
    pace = Pace(clock)
    clock.sleep(0.5)
    assert not pace.pays(2, made=0.0, size=2 * MB - 1)
    clock.sleep(0.5)
    assert pace.pays(2, made=0.0, size=0)
    clock.sleep(0.5)
    assert not pace.pays(4, made=1.9, size=4 * MB)
    clock.sleep(0.5)
    assert pace.pays(4, made=1.9, size=8 * MB)
