"""Committing, and learning what became of a commit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pytest
from core.examples import PLANNED_AT

from airflow_provider_kafka_odps.core.delivery.settling import commit, settle
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitPending, CommitRejected, CommitUnknown, Unreachable

NORMAL, CLOSING, CLOSED, GONE = UploadStatus.NORMAL, UploadStatus.CLOSING, UploadStatus.CLOSED, UploadStatus.GONE
REFUSED, LOST = CommitRejected("StatusConflict"), Unreachable("no answer in 5 s")


@dataclass
class Scripted:
    """An upload whose answers are written down; the last answer of each kind is repeated."""

    commits: list[Exception | None]
    statuses: list[UploadStatus | Exception] = field(default_factory=lambda: [NORMAL])
    calls: list[str] = field(default_factory=list)
    id: str = "u1"

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        raise AssertionError((number, batches, sending))

    def commit(self, blocks: int) -> None:
        self.calls.append(f"commit {blocks}")
        if error := self.commits.pop(0) if len(self.commits) > 1 else self.commits[0]:
            raise error

    def status(self) -> UploadStatus:
        self.calls.append("status")
        answer = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Clock:
    """A clock that goes forward when somebody sleeps."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return PLANNED_AT

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("commits", "statuses", "calls"),
    [
        ([None], [NORMAL], ["commit 2"]),
        ([LOST], [CLOSED], ["commit 2", "status"]),
        ([REFUSED], [CLOSED], ["commit 2", "status"]),
        ([LOST], [LOST, CLOSING, CLOSED], ["commit 2", "status", "status", "status"]),
        ([LOST, None], [NORMAL], ["commit 2", "status", "commit 2"]),
        # The first commit lands late: the second conflicts, and is found to be done.
        ([LOST, REFUSED], [NORMAL, CLOSED], ["commit 2", "status", "commit 2", "status"]),
    ],
    ids=str,
)
def test_a_commit_returns_when_the_rows_are_visible(
    commits: list[Exception | None], statuses: list[UploadStatus | Exception], calls: list[str]
) -> None:
    """Every way to a committed session ends without an error, and without a commit too many."""
    upload = Scripted(list(commits), list(statuses))
    commit(upload, 2, Clock(), 60.0)
    assert upload.calls == calls


@pytest.mark.parametrize(
    ("commits", "statuses", "error", "message", "retry_helps"),
    [
        ([REFUSED], [NORMAL], CommitRejected, "u1 is still open.*3 commits failed, the last by: StatusConflict", True),
        ([LOST], [GONE], CommitUnknown, "no answer in 5 s; the session is gone now", False),
        ([LOST], [CLOSING], CommitPending, "u1.*in time: the session is still closing", True),
        ([REFUSED], [LOST], CommitPending, "u1.*in time: no answer in 5 s", True),
    ],
    ids=str,
)
def test_no_and_dont_know_are_different_errors(
    commits: list[Exception | None],
    statuses: list[UploadStatus | Exception],
    error: type[CommitRejected | CommitUnknown],
    message: str,
    retry_helps: bool,
) -> None:
    """An open session says no; a gone one, and one that does not answer, say that nobody knows, or knows yet."""
    with pytest.raises(error, match=message) as failed:
        commit(Scripted(list(commits), list(statuses)), 2, Clock(), 60.0)
    assert (type(failed.value), failed.value.retry_helps) == (error, retry_helps)


def test_a_service_that_says_later_is_asked_until_the_deadline() -> None:
    """Commits without an answer are repeated after growing pauses, of which no two uploads have the same."""
    pauses = {}
    for upload_id in ("u1", "u2"):
        clock, upload = Clock(), Scripted([LOST], [NORMAL], id=upload_id)
        with pytest.raises(CommitRejected, match=rf"{upload_id} is still open.* 1\d commits failed") as failed:
            commit(upload, 2, clock, 300.0)
        assert failed.value.retry_helps
        assert 250 < clock.seconds < 300
        pauses[upload_id] = clock.seconds
    assert pauses["u1"] != pauses["u2"]
    assert commit(Scripted([*[LOST] * 9, None], [NORMAL]), 2, Clock(), 300.0) is CommitProof.ANSWERED


def test_settling_asks_at_least_once_and_ends_at_its_deadline() -> None:
    """A deadline that has passed leaves one question; one that has not is used up and no more."""
    upload = Scripted([None], [CLOSED])
    assert settle(upload, Clock(100.0), 60.0) is CLOSED
    clock = Clock()
    with pytest.raises(CommitPending):
        settle(Scripted([None], [CLOSING]), clock, 60.0)
    assert clock.seconds == 60.0
