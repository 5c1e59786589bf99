"""Sharing a window out to workers, and putting together what they have counted."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest
from core.examples import offsets_in, orders, window_of
from core.world import World, batch_of
from hypothesis import example, given
from hypothesis import strategies as st
from twins.clock import HandClock
from twins.maxcompute import Sink

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.load.blocks import ShareBlocks
from airflow_provider_kafka_odps.core.load.loaded import gather, holes
from airflow_provider_kafka_odps.core.load.shares import HEAD_START, LEAST_SPAN, ShareResult, plan_shares
from airflow_provider_kafka_odps.core.load.stage_times import StageTimes
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import WorkerFailed

_RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)).map(lambda at: (at[0], at[0] + at[1])), max_size=6)


@pytest.mark.parametrize(
    ("ranges", "workers", "shares"),
    [
        ([(0, 10), (0, 10)], 1, [{0: (0, 10), 1: (0, 10)}]),
        ([(0, 10), (0, 10)], 2, [{0: (0, 10)}, {1: (0, 10)}]),
        ([(0, 100), (0, 10), (5, 5)], 2, [{0: (0, 55)}, {0: (55, 100), 1: (0, 10)}]),
        ([(7, 10)], 3, [{0: (7, 8)}, {0: (8, 9)}, {0: (9, 10)}]),
        ([(7, 10)], 9, [{0: (7, 8)}, {0: (8, 9)}, {0: (9, 10)}]),
        ([(7, 7)], 9, [{0: (7, 7)}]),
    ],
)
def test_a_window_is_shared_out(
    ranges: list[tuple[int, int]], workers: int, shares: list[dict[int, tuple[int, int]]]
) -> None:
    """Whole partitions where that is even, offset ranges of one where it is not, and no share of nothing."""
    found = plan_shares(window_of(*ranges), workers, least=1, head_start=0)
    assert [offsets_in(share.window) for share in found] == shares
    assert [(share.number, share.of) for share in found] == [(number, len(shares)) for number in range(len(shares))]


def test_a_small_window_is_not_worth_a_process() -> None:
    """A process is started for so many offsets only; with fewer, one process loads them all."""
    assert len(plan_shares(window_of((0, 2 * LEAST_SPAN - 1)), 2)) == 1
    assert len(plan_shares(window_of((0, 2 * LEAST_SPAN)), 2)) == 2


def test_who_begins_first_has_more_to_load() -> None:
    """The other processes have to start, so the first share is larger: by as many offsets as a start takes, at most."""
    spans = [share.window.span for share in plan_shares(window_of((0, 4_000_000), (0, 300_000)), 2)]
    assert spans == [2_000_000 + HEAD_START, 2_000_000]
    assert [share.window.span for share in plan_shares(window_of((0, 300_000)), 2)] == [225_000, 75_000]


def _places(window: Window) -> Iterator[tuple[int, int]]:
    for each in window.ranges:
        yield from ((each.partition, offset) for offset in range(each.start, each.end))


@given(ranges=_RANGES, workers=st.integers(1, 9))
def test_shares_tile_the_window(ranges: list[tuple[int, int]], workers: int) -> None:
    """Every offset of the window is in exactly one share, and no share has two offsets more than another."""
    window = window_of(*ranges)
    shares = plan_shares(window, workers, least=1, head_start=0)
    offsets = [
        (each.partition, at) for share in shares for each in share.window.ranges for at in range(each.start, each.end)
    ]
    assert offsets == [(each.partition, at) for each in window.ranges for at in range(each.start, each.end)]
    spans = [share.window.span for share in shares]
    assert max(spans) - min(spans) <= 1


def _result(window: Window, blocks: int = 0) -> ShareResult:
    return ShareResult(Ledger(window), blocks, bytes=10 * blocks, not_json=1, seconds={"write": 1.0})


def test_a_share_that_is_missing_fails_the_load() -> None:
    """Nothing is put together, and so nothing committed, while a worker has not told what it loaded."""
    window = window_of((0, 10))
    first, _ = plan_shares(window, 2, least=1, head_start=0)
    with pytest.raises(WorkerFailed, match="1 of 2 shares are loaded; nothing was committed"):
        gather(window, [_result(first.window)], 2)


def test_holes_in_the_numbers_of_blocks_are_found() -> None:
    """The commit wants blocks without holes: where one process has fewer than the other, empty ones have to stand."""
    window = window_of((0, 10))
    shares = plan_shares(window, 2, least=1, head_start=0)
    results = [_result(share.window, blocks) for share, blocks in zip(shares, (1, 3), strict=True)]
    assert holes(results) == [2, 4]
    whole = gather(window, results, 2)
    assert (whole.blocks, whole.bytes, whole.not_json, whole.seconds) == (6, 40, 2, {"write": 2.0})
    assert holes([_result(window, 3)]) == holes([_result(window)]) == []


def test_blocks_of_a_share_have_every_so_many_th_number() -> None:
    """Two processes write blocks of one upload without asking each other for numbers."""
    upload = Sink(World(), overwrite=False).open_upload()
    first, second = plan_shares(window_of((0, 10)), 2, least=1, head_start=0)
    for share, blocks in ((first, 1), (second, 3)):
        writer = ShareBlocks(share, StageTimes(HandClock()))
        for _ in range(blocks):
            writer.writing(upload, [batch_of(0, {0: b"x"})])()
        assert (writer.blocks, writer.bytes > 0) == (blocks, True)
    assert sorted(upload.world.sessions[upload.id].blocks) == [0, 1, 3, 5]


def _batch(partition: int, offsets: Sequence[int]) -> pa.RecordBatch:
    rows = [{"partition": partition, "offset": offset, "headers": []} for offset in offsets]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def _fill(account: Ledger, partition: int, offsets: Sequence[int], passed: Sequence[PassedOver]) -> None:
    for each in passed:
        account.pass_over(each)
    account.add(_batch(partition, offsets), rejects=sum(1 for each in offsets if each % 3 == 0))


@given(
    there=st.lists(st.sampled_from(["record", "marker", "aborted", "lost", "compacted"]), min_size=1, max_size=40),
    at=st.integers(0, 40),
)
@example(there=["record", "compacted", "record"], at=2)
def test_ledgers_of_shares_merge_to_the_ledger_of_the_whole(there: list[str], at: int) -> None:
    """Wherever a partition is cut in two, rows, gaps and their kinds are those of a single reader."""
    kinds = {"marker": GapKind.CONTROL, "aborted": GapKind.ABORTED, "lost": GapKind.MISSING}
    passed = [
        PassedOver(OffsetRange("orders", 0, at, at + 1), kinds[what]) for at, what in enumerate(there) if what in kinds
    ]
    cut = min(at, len(there))
    whole, total = (Ledger(window_of((0, len(there)))) for _ in range(2))
    records = [at for at, what in enumerate(there) if what == "record"]
    _fill(whole, 0, records, passed)
    for start, end in ((0, cut), (cut, len(there))):
        part = Ledger(window_of((start, end)))
        # A reader is told of markers beyond its own range as well, but of no loss there.
        near = [each for each in passed if each.kind is not GapKind.MISSING or start <= each.offsets.start < end]
        _fill(part, 0, [at for at in records if start <= at < end], near)
        total.merge(pickle.loads(pickle.dumps(part)))
    assert (total.records, total.first_last, total.passed) == (whole.records, whole.first_last, whole.passed)
    assert total.missing == whole.missing
    assert _gaps(total, "compact") == _gaps(whole, "compact")
    assert _gaps(total, "delete") == _gaps(whole, "delete")
    assert total.missing == whole.missing


def _gaps(account: Ledger, policy: str) -> tuple[int, ...]:
    counts = account.prove(lambda: policy, OnDataLoss.SKIP)[orders(0)]
    return counts.gaps, counts.control, counts.aborted, counts.compacted, counts.missing
