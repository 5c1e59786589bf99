"""A failed load raises one error, without the frames of those that led to it, and says what it means."""

from __future__ import annotations

import traceback
from typing import Any, NoReturn

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.fake_context import context_of

from airflow_provider_kafka_odps.exceptions import Cancelled, CorruptBatch, Unreachable
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.runtime.failures import failure


def nobody() -> None:
    """Return the journal of a run that has recorded no window."""


def broken() -> NoReturn:
    """Be a store that fails."""
    raise OSError("the API server has gone")


def said_by(error: Any, journal: Any = nobody) -> tuple[Exception, list[str]]:
    """Return what is raised, and the warnings."""
    warned: list[str] = []
    return failure(error, journal, warned.append), warned


def test_a_final_error_ends_with_what_it_means() -> None:
    """Its class and text are Airflow's error's, and the last line is about the table."""
    raised, warned = said_by(CorruptBatch("orders[0]: bad CRC"))
    assert isinstance(raised, AirflowFailException)
    assert str(raised).splitlines() == [
        "CorruptBatch: orders[0]: bad CRC",
        "No window was recorded, and nothing was loaded",
    ]
    assert warned == []


def test_an_error_that_a_retry_may_fix_stays_what_it_is() -> None:
    """Retry policies go by its class; what it means is a warning."""
    error = Unreachable("no answer")
    assert said_by(error) == (error, ["No window was recorded, and nothing was loaded"])


def test_a_store_that_fails_hides_nothing() -> None:
    """Why the load has failed is said all the same."""
    raised, _ = said_by(CorruptBatch("bad CRC"), broken)
    assert str(raised) == "CorruptBatch: bad CRC"


def test_a_task_that_is_stopped_asks_no_store() -> None:
    """It has seconds to end."""
    error = Cancelled("stopped; nothing was committed")
    assert said_by(error, broken) == (error, [])


def test_the_log_has_one_traceback() -> None:
    """Airflow's error is shown alone: none of the frames in which ours was found."""
    task = KafkaToMaxComputeOperator(task_id="load", topic="orders", table="t", start="soon")
    with pytest.raises(AirflowFailException, match=r"(?s)InvalidInput: .*'soon'.*has loaded nothing") as failed:
        KafkaToMaxComputeOperator.execute.__wrapped__(task, context_of({}, lambda *_: None, 0))  # type: ignore[attr-defined]
    shown = "".join(traceback.format_exception(failed.value))
    assert shown.count("Traceback") == 1
    assert "parsing.py" not in shown
