"""The last line of a failed load: what is visible of its window."""

from __future__ import annotations

from dataclasses import replace

from core.examples import receipts, target_of, window_of
from hypothesis import given

from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.journal.visible_text import visible_text
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    CommitPending,
    CommitRejected,
    CorruptBatch,
    KafkaOdpsError,
    NewerRows,
    TopicReplaced,
    Unreachable,
)

NO_ANSWER = Unreachable("no answer in 5 s")


def entry_of(phase: Phase, receipt: Receipt) -> Journal:
    """Return a journal of a load that nothing was committed before."""
    return Journal(phase, target_of(), receipt.window, 0, receipt.upload_id, receipt)


def state_of(entry: Journal, error: KafkaOdpsError = NO_ANSWER) -> str:
    """Return what is said of a journal."""
    return visible_text(entry.to_json(), error) or ""


def test_without_a_journal_nothing_was_loaded() -> None:
    """A plan that was refused has recorded no window."""
    said = visible_text(None, NO_ANSWER)
    assert said == "No window was planned in this run: nothing was read, and nothing of it is visible"


def test_a_journal_that_cannot_be_read_says_nothing() -> None:
    """The error has told what is wrong with it, and nobody knows more."""
    assert visible_text({"version": 99}, NO_ANSWER) is None


@given(receipts)
def test_it_says_whether_rows_are_visible(receipt: Receipt) -> None:
    """Before the fence nothing is, behind it nobody knows, and in the end all is."""
    for phase in (Phase.PLANNED, Phase.UPLOADING):
        said = state_of(entry_of(phase, receipt))
        assert said == "Nothing of this load is visible; the next attempt loads the same window"
        said = state_of(entry_of(phase, receipt), CorruptBatch("bad CRC"))
        assert said.endswith("; when this is corrected, clear the task: it loads the same window")
        assert state_of(entry_of(phase, receipt), TopicReplaced("id")) == "Nothing of this load is visible"
    said = state_of(entry_of(Phase.PUBLISHING, receipt))
    assert said.startswith("Nothing of this load is visible, but its rejects may be;")
    assert state_of(entry_of(Phase.COMMITTING, receipt)).startswith(f"In doubt: upload {receipt.upload_id} was being")
    assert f"{receipt.rows} rows of this window are in" in state_of(entry_of(Phase.COMMITTED, receipt))


@given(receipts)
def test_it_says_where_staged_rows_are(receipt: Receipt) -> None:
    """While they are on their way there nothing is visible; while a statement moves them nobody knows."""
    staged = Staged(TableName("t__kafka_staging", "shop"), PartitionSpec.parse("load_id=a"), ("v",))
    said = state_of(replace(entry_of(Phase.COMMITTING, receipt), staged=staged))
    assert said.startswith("Nothing of this load is visible: its rows are on their way to shop.t__kafka_staging")
    entry = replace(entry_of(Phase.PLANNED, receipt), staged=staged, phase=Phase.MERGING)
    said = state_of(entry)
    assert said.startswith(
        f"In doubt: a statement was moving the rows of upload {receipt.upload_id} from shop.t__kafka"
    )
    assert said.endswith("all of them or none; the next attempt asks what became of it before it does anything else")
    assert state_of(entry, CommitRejected("it failed")) == ""


@given(receipts)
def test_rows_of_an_earlier_load_are_not_said_to_be_gone(receipt: Receipt) -> None:
    """They stay until their removal may have been started."""
    for phase in (Phase.UPLOADING, Phase.REPLACING):
        entry = replace(entry_of(phase, receipt), replaces=receipt)
        assert "The rows of an earlier load are as they were in shop.t" in state_of(entry)
        assert "Rows of an earlier load may be removed from shop.t" in state_of(replace(entry, removing=True))


@given(receipts)
def test_an_error_that_knows_is_not_contradicted(receipt: Receipt) -> None:
    """A refused commit is in no doubt, one that is pending is; a load that is refused says that the rows are there."""
    assert state_of(entry_of(Phase.COMMITTED, receipt), AlreadyLoaded("3 rows are there")) == ""
    entry = entry_of(Phase.COMMITTING, receipt)
    assert (state_of(entry, CommitRejected("400")), state_of(entry, NewerRows("newer"))) == ("", "")
    assert state_of(entry, CommitPending("no answer"))


def test_an_empty_window_is_done() -> None:
    """What fails after it, fails with nothing in the table, and nothing is missing there."""
    written = {
        **Journal(Phase.PLANNED, target_of(), window_of((0, 0)), 0).to_json(),
        "phase": "committed",
        "upload_id": None,
        "receipt": {
            "version": 1, "table": "shop.t", "partition": None, "mode": "append", "upload_id": None, "blocks": 0,
            "partitions": {}, "bytes": 0, "not_json": 0, "seconds": {},
        },
    }  # fmt: skip
    assert visible_text(written, NO_ANSWER) == "The window is done: it had no rows to load"
