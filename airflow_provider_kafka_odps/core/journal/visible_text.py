"""What a failed load means for its table, in one line: what the journal knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    CommitRejected,
    InvalidInput,
    KafkaOdpsError,
    NewerRows,
    TopicReplaced,
)


def visible_text(written: Mapping[str, Any] | None, error: KafkaOdpsError) -> str | None:
    """Return what is visible of the window after an attempt has failed; None where the error alone can tell."""
    if isinstance(error, AlreadyLoaded):
        return None
    if written is None:
        return "No window was planned in this run: nothing was read, and nothing of it is visible"
    try:
        entry = Journal.from_json(written)
    except InvalidInput:
        return None
    match entry.phase:
        case Phase.PLANNED | Phase.UPLOADING:
            return _nothing(entry) + _then(error)
        case Phase.PUBLISHING:
            return f"{_nothing(entry)}, but its rejects may be; the next attempt goes on from there"
        case Phase.REPLACING:
            return f"{_nothing(entry)}; the next attempt goes on from there"
        case Phase.COMMITTING | Phase.MERGING if isinstance(error, CommitRejected | NewerRows):
            # They know that it was not committed.
            return None
        case Phase.COMMITTING | Phase.MERGING:
            return _in_doubt(entry)
        case Phase.COMMITTED:
            return _committed(entry)
        case phase:
            assert_never(phase)


def _then(error: KafkaOdpsError) -> str:
    if isinstance(error, TopicReplaced):
        # The window is of no use any more, and the error says how to forget it.
        return ""
    if error.retry_helps:
        return "; the next attempt loads the same window"
    return "; when this is corrected, clear the task: it loads the same window"


def _nothing(entry: Journal) -> str:
    if entry.removing:
        return f"Rows of an earlier load may be removed from {entry.target.table}, and none of this load is visible"
    if entry.replaces is not None:
        return f"The rows of an earlier load are as they were in {entry.target.table}, and none of this load is visible"
    return "Nothing of this load is visible"


def _in_doubt(entry: Journal) -> str:
    if entry.phase is Phase.MERGING:
        return (
            f"In doubt: a statement was moving the rows of upload {entry.upload_id} from {entry.staged} to "
            f"{entry.target.table}, all of them or none; the next attempt asks what became of it before it does "
            "anything else"
        )
    if entry.staged is not None:
        return f"{_nothing(entry)}: its rows are on their way to {entry.staged}; the next attempt goes on from there"
    return (
        f"In doubt: upload {entry.upload_id} was being committed, and its rows may be in {entry.target.table}; "
        "the next attempt asks what became of it before it loads anything"
    )


def _committed(entry: Journal) -> str:
    receipt = entry.receipt
    assert receipt is not None, "a journal has its receipt in phase committed"
    if receipt.upload_id is None:
        return "The window is done: it had no rows to load"
    return f"{receipt.rows} rows of this window are in {receipt.table}, committed {receipt.by_upload}"
