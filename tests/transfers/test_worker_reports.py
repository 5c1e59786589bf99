"""What a worker reports on its way, and that its last word arrives whole."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from multiprocessing import Pipe
from typing import NoReturn

import pyarrow as pa
import pytest
from core.world import batch_of
from kit.share_tasks import task_of_nowhere
from kit.unbroken import fails
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.load.shares import ShareFailed, ShareProgress
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.exceptions import UploadFailed, WorkerFailed
from airflow_provider_kafka_odps.transfers.workers import pool
from airflow_provider_kafka_odps.transfers.workers.pool import RunningPool
from airflow_provider_kafka_odps.transfers.workers.process import Outbox, _Reporter

REJECT = Reject("orders", 0, 7, "v", "no number")


def never() -> None:
    """Ask nobody to stop."""


def wait_in_vain(running: RunningPool) -> NoReturn:
    """Wait for a result of a worker that has none."""
    while True:
        running.check()


def batch() -> pa.RecordBatch:
    """Return a batch of one record."""
    return batch_of(0, {7: b"x"})


def test_progress_is_reported_now_and_then() -> None:
    """What was done since the last report is in the next one, and a report comes every half second at most."""
    clock, reports = HandClock(), list[ShareProgress]()
    reporter = _Reporter(reports.append, never, clock, keep_rejects=False)
    for passed in (10, 10, 10, 10):
        clock.sleep(0.25)
        reporter.advance(rows=9, size=100, passed=passed)
    assert reports == [ShareProgress(rows=18, bytes=200, passed=20)] * 2


def test_a_report_says_what_was_passed_in_which_partition() -> None:
    """Since the last report; less than nothing, where a block is read again."""
    clock, reports = HandClock(), list[ShareProgress]()
    reporter = _Reporter(reports.append, never, clock, keep_rejects=False)
    for passed in ({0: 5}, {0: 9, 1: 2}, {0: 7, 1: 2}):
        reporter.passed = lambda passed=passed: Counter(passed)  # type: ignore[misc]
        clock.sleep(1)
        reporter.advance(rows=0, size=0, passed=0)
    assert [dict(report.partitions) for report in reports] == [{0: 5}, {0: 4, 1: 2}, {0: -2, 1: 0}]


def test_rejects_are_reported_at_once() -> None:
    """The task's process counts the rejects of all; their keys and values come along where they are kept."""
    reports = list[ShareProgress]()
    for keep in (False, True):
        reporter = _Reporter(reports.append, never, HandClock(), keep_rejects=keep)
        reporter.take_rejects(batch(), [])
        reporter.take_rejects(batch(), [REJECT])
    assert [report.rejects for report in reports] == [(REJECT,)] * 2
    assert [report.reject_rows is not None for report in reports] == [False, True]


def test_two_threads_do_not_report_at_the_same_time() -> None:
    """Two reports in one pipe would be read as none: the thread that projects waits for the one that cuts blocks."""
    inside, overlaps = threading.Lock(), list[bool]()

    def report(_: ShareProgress) -> None:
        alone = inside.acquire(blocking=False)
        overlaps.append(not alone)
        time.sleep(0.001)
        if alone:
            inside.release()

    clock = HandClock()
    reporter = _Reporter(report, never, clock, keep_rejects=False)

    def advance() -> None:
        for _ in range(50):
            clock.sleep(1)
            reporter.advance(rows=1, size=1, passed=1)

    thread = threading.Thread(target=advance)
    thread.start()
    for _ in range(50):
        reporter.take_rejects(batch(), [REJECT])
    thread.join()
    assert overlaps == [False] * 100


MORE_THAN_A_PIPE = 8 * 1024 * 1024


def test_the_last_word_waits_for_a_report_that_is_being_sent() -> None:
    """A lane may report many rejects while another one has failed: in the middle of them, the cause would be lost."""
    inbox, pipe = Pipe(duplex=False)
    outbox = Outbox(pipe)
    many = ShareProgress(rejects=(replace(REJECT, reason="x" * MORE_THAN_A_PIPE),))
    lane = threading.Thread(target=outbox.send, args=(many,))
    lane.start()
    assert inbox.poll(20)
    failed = threading.Thread(target=outbox.close_with, args=(ShareFailed(UploadFailed("the cause")),))
    failed.start()
    assert inbox.recv() == many
    last = inbox.recv()
    assert isinstance(last, ShareFailed)
    assert str(last.error) == "the cause"
    lane.join()
    failed.join()


def test_nothing_follows_the_last_word() -> None:
    """A lane that still runs has nothing to add."""
    inbox, pipe = Pipe(duplex=False)
    outbox = Outbox(pipe)
    outbox.close_with(ShareFailed(UploadFailed("the cause")))
    outbox.send(ShareProgress(rows=1))
    assert isinstance(inbox.recv(), ShareFailed)
    assert not inbox.poll()


def test_a_worker_that_ends_before_it_has_its_task_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had to say, or how it has ended, and not that its pipe is broken."""
    monkeypatch.setattr(pool, "_WORKER", "import sys; sys.stdin.close(); sys.exit(3)")
    task = replace(task_of_nowhere("127.0.0.1:1"), columns={"o": "x" * MORE_THAN_A_PIPE})
    with RunningPool([task]) as running, fails("worker 1 of 2 .* has ended with 3 before its share was", WorkerFailed):
        wait_in_vain(running)
