"""A failed load raises one error, without the frames of those that led to it, and says what it means."""

from __future__ import annotations

import re
import traceback
from typing import Any, NoReturn

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.fake_context import context_of
from kit.unbroken import fails, unbroken

from airflow_provider_kafka_odps.core.journal.short_text import WIDTH
from airflow_provider_kafka_odps.exceptions import Cancelled, CorruptBatch, OffsetsExpired, Unreachable
from airflow_provider_kafka_odps.hooks.masking import mask
from airflow_provider_kafka_odps.sensors.kafka_window import KafkaWindowSensor
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.runtime.failures import failure

NO_WINDOW = "No window was planned in this run: nothing was read, and nothing of it is visible"
LONG = (
    "orders[3]: the window starts at 30 but the log starts at 40; 10 offsets were deleted before they were loaded\n"
    "Start at 40, or set on_data_loss='skip': it loads what is left, and the receipt says what is missing. Nothing else"
)


def nobody() -> None:
    """Return the journal of a run that has recorded no window."""


def broken() -> NoReturn:
    """Be a store that fails."""
    raise OSError("the API server has gone")


def printed(error: BaseException) -> list[str]:
    """Return the lines in which Airflow's log has an error."""
    return f"{type(error).__name__}: {error}".splitlines()


def test_a_final_error_ends_with_what_it_means() -> None:
    """Its class and text are Airflow's error's, and the last line is about the table."""
    raised = failure(CorruptBatch("orders[0]: bad CRC"), nobody)
    assert isinstance(raised, AirflowFailException)
    assert str(raised).splitlines() == ["CorruptBatch: orders[0]: bad CRC", NO_WINDOW]


def test_an_error_that_a_retry_may_fix_keeps_its_class() -> None:
    """Retry policies go by it; what it means is the last line here, too."""
    error = Unreachable("no answer")
    assert failure(error, nobody) is error
    assert str(error).splitlines() == ["no answer", NO_WINDOW]


@pytest.mark.parametrize("kind", [OffsetsExpired, Unreachable])
def test_no_line_is_cut_off(kind: type[OffsetsExpired | Unreachable]) -> None:
    """Airflow's page breaks no line: each sentence has lines of its own, the advice and the state of the table too."""
    raised = failure(kind(LONG), nobody)
    lines = printed(raised)
    assert max(map(len, lines)) <= WIDTH
    assert unbroken(LONG) in unbroken(raised)
    assert any(line.startswith("Start at 40, or set on_data_loss='skip'") for line in lines)
    assert lines[-2:] == ["Nothing else", NO_WINDOW]


@pytest.mark.parametrize("deferred", [False, True])
def test_nor_of_a_sensor(deferred: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the sensor has asked or its trigger, the error has short lines."""
    task = KafkaWindowSensor(task_id="wait", topic="orders", until=1)

    def ask() -> NoReturn:
        raise OffsetsExpired(LONG)

    monkeypatch.setattr(task._asking, "ask", ask)
    with fails(f"OffsetsExpired: {re.escape(LONG[:40])}", AirflowFailException) as failed:
        if deferred:
            task.finish({}, {"error": f"OffsetsExpired: {LONG}"})
        task.poke({})
    assert max(map(len, printed(failed.value))) <= WIDTH


def test_a_secret_is_not_broken_in_two() -> None:
    """Airflow's masker finds whole secrets only, so they are masked before the lines are laid out."""
    secret = " ".join(f"secret{number}" for number in range(20))
    mask([secret])
    assert "secret1" not in str(failure(CorruptBatch(f"the server said: {secret}!"), nobody))


def test_a_store_that_fails_hides_nothing() -> None:
    """Why the load has failed is said all the same."""
    assert str(failure(CorruptBatch("bad CRC"), broken)) == "CorruptBatch: bad CRC"


def test_a_task_that_is_stopped_asks_no_store() -> None:
    """It has seconds to end."""
    error = Cancelled("stopped; nothing was committed")
    assert (failure(error, broken), str(error)) == (error, "stopped; nothing was committed")


def test_the_log_has_one_traceback() -> None:
    """Airflow's error is shown alone: none of the frames in which ours was found."""
    task = KafkaToMaxComputeOperator(task_id="load", topic="orders", table="t", start="soon")
    with fails(f"InvalidInput: .*'soon'.*{NO_WINDOW}", AirflowFailException) as failed:
        KafkaToMaxComputeOperator.execute.__wrapped__(task, context_of({}, lambda *_: None, 0))  # type: ignore[attr-defined]
    shown = "".join(traceback.format_exception(failed.value))
    assert shown.count("Traceback") == 1
    assert "parsing.py" not in shown


def test_what_an_attempt_before_has_recorded_is_said_by_one_that_cannot_begin() -> None:
    """A connection that is broken now does not hide that the window is recorded."""
    written = {"version": 99}
    task = KafkaToMaxComputeOperator(task_id="load", topic="orders", table="t", start="soon")
    context: Any = context_of({"kafka_to_maxcompute": written}, lambda *_: None, 0)
    with pytest.raises(AirflowFailException) as failed:
        KafkaToMaxComputeOperator.execute.__wrapped__(task, context)  # type: ignore[attr-defined]
    assert NO_WINDOW not in str(failed.value)


def test_an_error_that_is_retried_has_none_of_the_frames_before() -> None:
    """The page of a failed attempt ends with a traceback: twenty frames would push the reason out of sight."""
    with pytest.raises(Unreachable) as raised:
        _unreachable()
    assert raised.value.__traceback__ is not None
    assert failure(raised.value, nobody) is raised.value
    assert raised.value.__traceback__ is None


def _unreachable() -> NoReturn:
    raise Unreachable("no answer")
