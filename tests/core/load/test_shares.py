"""Sharing a window out to workers, and putting together what they have counted."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pytest
from core.examples import orders, window_of
from core.world import COLUMNS, SCHEMA
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.load.layout import lay_out
from airflow_provider_kafka_odps.core.load.loaded import gather
from airflow_provider_kafka_odps.core.load.shares import LEAST_SPAN, ShareResult, share_out, workers_for
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import WorkerFailed

ORIGIN = compile_projection(COLUMNS, SCHEMA).origin
_RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)).map(lambda at: (at[0], at[0] + at[1])), max_size=6)


@given(ranges=_RANGES, blocks=st.integers(1, 40), workers=st.integers(1, 9))
def test_shares_tile_the_blocks(ranges: list[tuple[int, int]], blocks: int, workers: int) -> None:
    """Every block is in exactly one share, in their order, and no share has two blocks more than another."""
    window = window_of(*ranges)
    laid = lay_out(window, blocks, {})
    shares = share_out(window, laid, workers, ORIGIN)
    assert tuple(block for share in shares for block in share.blocks) == laid
    counts = [len(share.blocks) for share in shares]
    assert max(counts) - min(counts) <= 1
    assert [(share.number, share.of) for share in shares] == [(number, len(shares)) for number in range(len(shares))]
    offsets = [
        (each.partition, at) for share in shares for each in share.window.ranges for at in range(each.start, each.end)
    ]
    assert offsets == [(each.partition, at) for each in window.ranges for at in range(each.start, each.end)]
    assert all(len({each.partition for each in share.window.ranges}) == len(share.window.ranges) for share in shares)


def test_a_small_window_is_not_worth_a_process() -> None:
    """A process is started for so many offsets only; with fewer, one process loads them all."""
    assert workers_for(window_of((0, 2 * LEAST_SPAN - 1)), 2) == 1
    assert workers_for(window_of((0, 2 * LEAST_SPAN)), 2) == 2
    assert workers_for(window_of((0, 20 * LEAST_SPAN)), 2) == 2


def _result(window: Window, blocks: int = 0) -> ShareResult:
    return ShareResult(Ledger(window), blocks, bytes=10 * blocks, not_json=1, seconds={"write": 1.0})


def test_a_share_that_is_missing_fails_the_load() -> None:
    """Nothing is put together, and so nothing committed, while a worker has not told what it loaded."""
    window = window_of((0, 10))
    first, _ = share_out(window, lay_out(window, 2, {}), 2, ORIGIN)
    with pytest.raises(WorkerFailed, match="1 of 2 shares are loaded; nothing was committed"):
        gather(window, [_result(first.window)], 2)


def test_what_shares_have_loaded_is_added_up() -> None:
    """Blocks, bytes and seconds are those of all processes."""
    window = window_of((0, 10))
    shares = share_out(window, lay_out(window, 4, {}), 2, ORIGIN)
    whole = gather(window, [_result(share.window, len(share.blocks)) for share in shares], 2)
    assert (whole.blocks, whole.bytes, whole.not_json, whole.seconds) == (4, 40, 2, {"write": 2.0})


def _batch(partition: int, offsets: Sequence[int]) -> pa.RecordBatch:
    rows = [{"partition": partition, "offset": offset, "headers": []} for offset in offsets]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def _fill(account: Ledger, partition: int, offsets: Sequence[int], passed: Sequence[PassedOver]) -> None:
    for each in passed:
        account.pass_over(each)
    account.add(_batch(partition, offsets), rejects=sum(1 for each in offsets if each % 3 == 0))


@given(
    there=st.lists(st.sampled_from(["record", "marker", "aborted", "lost", "compacted"]), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
@example(there=["record", "compacted", "record"], cuts=[2])
@example(there=["record", "compacted", "compacted", "marker", "record"], cuts=[1, 2, 3])
def test_ledgers_of_blocks_merge_to_the_ledger_of_the_whole(there: list[str], cuts: list[int]) -> None:
    """Wherever a partition is cut, into however many, rows, gaps and their kinds are those of a single reader."""
    kinds = {"marker": GapKind.CONTROL, "aborted": GapKind.ABORTED, "lost": GapKind.MISSING}
    passed = [
        PassedOver(OffsetRange("orders", 0, at, at + 1), kinds[what]) for at, what in enumerate(there) if what in kinds
    ]
    edges = sorted({0, len(there), *(min(cut, len(there)) for cut in cuts)})
    whole, total = (Ledger(window_of((0, len(there)))) for _ in range(2))
    records = [at for at, what in enumerate(there) if what == "record"]
    _fill(whole, 0, records, passed)
    for start, end in pairwise(edges):
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
