"""Whether the topic's logs are still those of which the window was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.journal.entry import HOW_TO_FORGET, Journal
from airflow_provider_kafka_odps.core.options import OnDataLoss, OnFewerRows
from airflow_provider_kafka_odps.core.window.losses import Truncation, truncations
from airflow_provider_kafka_odps.exceptions import LogTruncated, ReadAgain, TopicReplaced


def check_log(attempt: Attempt, entry: Journal, *, read: bool = False) -> Journal:
    """Return the entry if the topic's logs are those of the plan; where loss may be skipped, with what they are now.

    Raises TopicReplaced; LogTruncated where records of the window were lost and others may have their offsets.
    """
    source, window = attempt.ports.source, entry.window
    now = source.identity(window.topic, window.epochs)
    if now.topic_id != window.topic_id:
        raise TopicReplaced(
            f"topic {window.topic} was deleted and created again since the window was planned: its id was "
            f"{window.topic_id} and is {now.topic_id} now. The window's offsets name other records, so this "
            f"attempt has committed nothing. {HOW_TO_FORGET}"
        )
    found = [*truncations(window, now.epoch_ends, lambda: source.cleanup_policy(window.topic))]
    return _without(attempt, entry, found, read=read) if found else entry


def _without(attempt: Attempt, entry: Journal, found: Sequence[Truncation], *, read: bool) -> Journal:
    """Return the entry of a window without the records that were truncated, if that is allowed."""
    load, window, before = attempt.load, entry.window, entry.replaces
    lines = "\n".join(map(str, found))
    accepted = before is None or load.on_fewer_rows is OnFewerRows.REPLACE
    if load.request.on_data_loss is OnDataLoss.FAIL or not accepted:
        state, also = "Nothing was committed", ""
        if before is not None:
            stay = "stay" if entry.visible else "stay, if they were not removed before,"
            state = f"The {before.rows} rows of upload {before.upload_id} {stay} in {entry.target.table}"
            also = " and on_fewer_rows='replace'"
        raise LogTruncated(
            f"{lines}\nThe same offsets may have other records now. {state}. Clear the task with on_data_loss='skip'"
            f"{also} to load what is there now"
        )
    if read:
        raise ReadAgain(f"{lines}\nNothing was committed; the next attempt loads what the log has then")
    lost = [each.lost for each in found]
    attempt.run.log(f"on_data_loss='skip': {lines}; what is there now is loaded, {', '.join(lost)} may be lost")
    doubts = dict.fromkeys([*window.possibly_missing, *lost])
    window = replace(window, epochs=attempt.ports.epochs(window), possibly_missing=tuple(doubts))
    attempt.ports.announce(window)
    return replace(entry, window=window)
