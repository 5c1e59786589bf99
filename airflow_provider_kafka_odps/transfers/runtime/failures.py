"""How a load that has failed ends the task: with one error, and what it means for the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.core.journal.visible_text import visible_text
from airflow_provider_kafka_odps.exceptions import Cancelled, KafkaOdpsError

ReadJournal = Callable[[], Mapping[str, Any] | None]


def failure(error: KafkaOdpsError, journal: ReadJournal | None, warn: Callable[[str], None]) -> Exception:
    """Return what to raise ``from None``: Airflow's log then has one traceback, and ends with what to know.

    Without a journal the attempt failed before it had one. An error that another attempt cannot fix becomes Airflow's
    own, without retries. Of another one, whose class retry policies go by, a warning says what it means for the table.
    """
    state = "This attempt has loaded nothing: it failed before the window was looked at"
    if journal is not None:
        state = _state(error, journal) or ""
    if not error.retry_helps:
        return AirflowFailException("\n".join(filter(None, [f"{type(error).__name__}: {error}", state])))
    if state:
        warn(state)
    return error


def _state(error: KafkaOdpsError, journal: ReadJournal) -> str | None:
    if isinstance(error, Cancelled):
        # Airflow kills a task that takes its time to end; the error says that nothing was committed.
        return None
    try:
        return visible_text(journal(), error)
    except Exception:  # noqa: BLE001 - a store that fails now must not hide why the load has
        return None
