"""What a worker reports on its way."""

from __future__ import annotations

import threading
import time

import pyarrow as pa
from core.world import batch_of
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.load.shares import ShareProgress
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.transfers.workers.process import _Reporter

REJECT = Reject("orders", 0, 7, "v", "no number")


def never() -> None:
    """Ask nobody to stop."""


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
