"""How a load that has failed ends the task: with one error, and what it means for the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.core.journal.short_text import short_lines
from airflow_provider_kafka_odps.core.journal.visible_text import visible_text
from airflow_provider_kafka_odps.exceptions import Cancelled, KafkaOdpsError
from airflow_provider_kafka_odps.hooks.masking import masked

ReadJournal = Callable[[], Mapping[str, Any] | None]


def failure(error: KafkaOdpsError, journal: ReadJournal) -> Exception:
    """Return what to raise ``from None``: Airflow's log then has one traceback, and what to know in short lines.

    The last of them is what the journal says of the table. An error that another attempt cannot fix becomes Airflow's
    own, without retries. Another one keeps its class, which retry policies go by, and says more than before.
    """
    text = masked("\n".join(filter(None, [str(error), _state(error, journal)])))
    name = type(error).__name__
    if not error.retry_helps:
        return AirflowFailException(short_lines(f"{name}: {text}", f"{AirflowFailException.__name__}: "))
    error.args = (short_lines(text, f"{name}: "),)
    # Its frames so far would push the text out of sight: Airflow's page scrolls to the end.
    error.__traceback__ = None
    return error


def _state(error: KafkaOdpsError, journal: ReadJournal) -> str | None:
    if isinstance(error, Cancelled):
        # Airflow kills a task that takes its time to end; the error says that nothing was committed.
        return None
    try:
        return visible_text(journal(), error)
    except Exception:  # noqa: BLE001 - a store that fails now must not hide why the load has
        return None
