from __future__ import annotations

import time

import pytest
from contracts.conftest import MakeLog
from contracts.kafka_backends import NOTHING, TopicBackend, twin_topic, wait_until
from contracts.topic_questions import COMMITTED, FIRST, HOUR, UNCOMMITTED, at, batches, gaps, values, window_of
from kit.kafka_topics import rows_of
from twins.kafka import Fate
from twins.kafka_reader import Source

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import (
    LogTooShort,
    LogTruncated,
    NoProgress,
    OffsetsExpired,
    ReadAgain,
    UnknownPartition,
    WindowRefused,
)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([(0, 3), (0, 2), (0, 0)], [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]),
        ([(1, 2)], [(0, 1)]),
        ([(3, 3), (1, 2)], [(1, 1)]),
        ([(2, 2), (7, 7)], []),
    ],
)
def test_a_window_is_read_exactly(
    make_log: MakeLog, ranges: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    """Every record of the window and no other comes, in the order of offsets; an empty range may be anywhere."""
    log = make_log(3)
    log.send([b"a", b"b", b"c"])
    log.send([b"d", b"e"], 1)
    source, window = log.source(), window_of(log, *ranges)
    assert [row[:2] for row in values(source, window)] == expected
    assert gaps(source, window) == {}


def test_records_are_columns(make_log: MakeLog) -> None:
    """A batch has the schema, holds one partition, and has what is wanted; all else in it is null."""
    log = make_log(2)
    log.send([b"a", None], key=b"k", timestamp=FIRST)
    log.send([b""], 1, timestamp=FIRST + 1)
    window = window_of(log, (0, 2), (0, 1))
    assert rows_of(batches(log.source(), window)) == [
        (0, 0, FIRST, 0, b"k", b"a", []),
        (0, 1, FIRST, 0, b"k", None, []),
        (1, 0, FIRST + 1, 0, None, b"", []),
    ]
    for batch in batches(log.source(), window, frozenset({"value"})):
        assert batch.schema == BATCH_SCHEMA
        assert len(set(batch.column("partition").to_pylist())) == 1
        nulls = {name for name in BATCH_SCHEMA.names if batch.column(name).null_count == batch.num_rows}
        assert nulls == {"timestamp", "timestamp_type", "leader_epoch", "key", "headers"}


@pytest.fixture
def transactions(make_log: MakeLog) -> TopicBackend:
    """Return a topic: 0 and 1 plain, 2 to 4 aborted, 5 a marker, 6 committed, 7 a marker, 8 plain."""
    log = make_log(2)
    log.send([b"a", b"b"])
    log.write_in_transaction([b"x", b"y", b"z"], Fate.ABORTED)
    log.write_in_transaction([b"c"], Fate.COMMITTED, 0, 1)
    log.send([b"d"])
    return log


RECORDS = {0: b"a", 1: b"b", 2: b"x", 3: b"y", 4: b"z", 6: b"c", 8: b"d"}
ABORTED, MARKERS = {2, 3, 4}, {5, 7}


EDGES = [(0, 9), (0, 3), (3, 4), (3, 9), (4, 6), (5, 6), (5, 8), (7, 9), (2, 6)]


@pytest.mark.parametrize("level", list(IsolationLevel))
def test_what_nobody_may_see_is_passed_over_and_told(transactions: TopicBackend, level: IsolationLevel) -> None:
    """Markers are no records; records of an aborted transaction are for those who read uncommitted."""
    aborted = ABORTED if level is COMMITTED else set()
    for edges in EDGES:
        source, window = transactions.source(), window_of(transactions, edges, level=level)
        inside = set(range(*edges))
        records = [(0, offset, value) for offset, value in RECORDS.items() if offset in inside - aborted]
        assert values(source, window) == records, edges
        told = {GapKind.CONTROL: MARKERS & inside, GapKind.ABORTED: aborted & inside}
        expected = {kind: {(0, offset) for offset in offsets} for kind, offsets in told.items() if offsets}
        assert gaps(source, window) == expected, edges


def test_a_transaction_marks_each_of_its_partitions(transactions: TopicBackend) -> None:
    """Where a transaction has written there is a marker, and nowhere else."""
    source, window = transactions.source(), window_of(transactions, (6, 8), (0, 2))
    assert values(source, window) == [(0, 6, b"c"), (1, 0, b"c")]
    assert gaps(source, window) == {GapKind.CONTROL: {(0, 7), (1, 1)}}


def test_what_is_undecided_is_waited_for(make_log: MakeLog) -> None:
    """Who reads committed gets what is before the open transaction and then nothing; others get all of it."""
    log = make_log()
    log.send([b"a"])
    log.write_in_transaction([b"open"], Fate.OPEN)
    log.send([b"b"])
    reading = batches(log.source(), window_of(log, (0, 3)))
    assert next(reading).column("offset").to_pylist() == [0]
    with pytest.raises(NoProgress, match=r"\[0\]@\[1, 3\)"):
        next(reading)
    everything = [(0, 0, b"a"), (0, 1, b"open"), (0, 2, b"b")]
    assert values(log.source(), window_of(log, (0, 3), level=UNCOMMITTED)) == everything


def test_compaction_leaves_holes(make_log: MakeLog) -> None:
    """What a later record of the key has replaced is not there, and nobody says so; a window of holes alone is read."""
    log = make_log(policy="compact")
    for number, key in enumerate([b"one", b"two", b"one", b"two", b"one", b"three"]):
        log.send([b"%d" % number], key=key, timestamp=FIRST + number * HOUR)
    log.compact(left=3)
    source, window = log.source(), window_of(log, (0, 6))
    assert values(source, window) == [(0, 3, b"3"), (0, 4, b"4"), (0, 5, b"5")]
    assert values(source, window_of(log, (0, 3))) == []
    assert values(source, window_of(log, (1, 4))) == [(0, 3, b"3")]
    assert gaps(source, window) == {}
    assert log.source().survey(log.topic, NOTHING).partitions[0].high == 6
    assert at(log, FIRST, FIRST + 2 * HOUR, FIRST + 4 * HOUR) == [3, 3, 4]


def test_compaction_removes_what_was_aborted(make_log: MakeLog) -> None:
    """Of an aborted transaction the marker is left; its records are not there for anybody, and not told."""
    log, now = make_log(policy="compact"), round(time.time() * 1000)
    log.send([b"a"], key=b"k", timestamp=FIRST)
    log.write_in_transaction([b"x", b"y"], Fate.ABORTED, key=b"k")
    log.send([b"b"], key=b"k", timestamp=now + 60_000)
    log.send([b"c"], key=b"l", timestamp=now + 120_000)
    log.compact(left=2)
    for level in IsolationLevel:
        source, window = log.source(), window_of(log, (0, 6), level=level)
        assert values(source, window) == [(0, 4, b"b"), (0, 5, b"c")]
        assert gaps(source, window)[GapKind.CONTROL] == {(0, 3)}


def test_expired_records_are_refused_or_missing(make_log: MakeLog) -> None:
    """A window whose first records were deleted fails; who wants what is there is told which offsets are missing."""
    log = make_log(2)
    log.send([b"v"] * 5)
    log.send([b"w"] * 2, 1)
    log.delete_before(2)
    window = window_of(log, (1, 4), (0, 1))
    with pytest.raises(OffsetsExpired, match=r"\[0\]: .* is 1 but the log starts at 2; 1 offsets are no longer"):
        values(log.source(), window)
    source = log.source(OnDataLoss.SKIP)
    assert values(source, window) == [(0, 2, b"v"), (0, 3, b"v"), (1, 0, b"w")]
    assert gaps(source, window) == {GapKind.MISSING: {(0, 1)}}


def test_a_log_that_is_too_short_is_refused_or_missing(make_log: MakeLog) -> None:
    """A window that ends beyond the log fails; who wants what is there is told which offsets are missing."""
    log = make_log(2)
    log.send([b"v"] * 3)
    window = window_of(log, (1, 5), (2, 4))
    with pytest.raises(LogTooShort, match=r"(?s)\[0\].*\[3, 5\).*\[1\].*\[2, 4\)"):
        values(log.source(), window)
    source = log.source(OnDataLoss.SKIP)
    assert values(source, window) == [(0, 1, b"v"), (0, 2, b"v")]
    assert gaps(source, window) == {GapKind.MISSING: {(0, 3), (0, 4), (1, 2), (1, 3)}}


def test_a_window_that_has_expired_as_a_whole(make_log: MakeLog) -> None:
    """Where the log starts behind the window, nothing of it is there, be it skipped or not."""
    log = make_log()
    log.send([b"v"] * 5)
    log.delete_before(5)
    window = window_of(log, (1, 3))
    with pytest.raises(OffsetsExpired, match="2 offsets are no longer"):
        values(log.source(), window)
    source = log.source(OnDataLoss.SKIP)
    assert values(source, window) == []
    assert gaps(source, window) == {GapKind.MISSING: {(0, 1), (0, 2)}}


def test_losses_of_several_kinds_are_told_together(make_log: MakeLog) -> None:
    """One error names what has expired, what is not there yet, and the partition that does not exist."""
    log = make_log(2)
    log.send([b"v"] * 3)
    log.delete_before(1)
    window = window_of(log, (0, 2), (0, 1), (0, 1))
    with pytest.raises(WindowRefused, match=r"(?s)\[0\].*\[1\].*\[2\]") as refused:
        values(log.source(), window)
    assert type(refused.value) is WindowRefused
    with pytest.raises(UnknownPartition, match=r"\[2\]: the topic has 2 partitions"):
        values(log.source(), window_of(log, (1, 1), (0, 0), (0, 1)))


def test_records_that_expire_while_a_window_is_read(make_log: MakeLog) -> None:
    """What is not in the log any more when its turn comes fails the read: nothing slides."""
    log = make_log(2)
    log.send([b"v"])
    log.send([b"w"], 1)
    reading = batches(log.source(), window_of(log, (0, 1), (0, 1)))
    log.delete_before(1)
    with pytest.raises(OffsetsExpired):
        list(reading)


def test_records_that_come_later_belong_to_others(make_log: MakeLog) -> None:
    """A window that is read again after more has come has what it had."""
    log = make_log()
    log.send([b"a"])
    window = window_of(log, (0, 1))
    before = values(log.source(), window)
    log.send([b"b"])
    wait_until(lambda: log.source().survey(log.topic, NOTHING).partitions[0].high == 2)
    assert values(log.source(), window) == before == [(0, 0, b"a")]


def test_a_log_that_is_cut_below_a_reader_is_refused() -> None:
    """What was delivered and is gone fails the read, as ours does when the broker says so: no real one does at will."""
    for on_data_loss, error in ((OnDataLoss.FAIL, LogTruncated), (OnDataLoss.SKIP, ReadAgain)):
        log = twin_topic(1, "delete")
        log.send([b"a", b"b", b"c", b"d"])
        source = Source(log.cluster, on_data_loss=on_data_loss, batch_records=2)
        reading = batches(source, window_of(log, (0, 4)))
        assert next(reading).num_rows == 2
        log.cluster.topic(log.topic).partitions[0].truncate(1)
        log.send([b"e", b"f", b"g"])
        with pytest.raises(error, match=r"\[0\]@\[2, 4\): the log was cut to offset 1 below 2"):
            next(reading)
        assert values(Source(log.cluster), window_of(log, (0, 4)))[1:] == [(0, 1, b"e"), (0, 2, b"f"), (0, 3, b"g")]
