"""Counting a window's offsets, and cutting its columns to blocks."""

from collections.abc import Iterable

import pyarrow as pa
import pytest
from core.examples import orders, window_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.gaps import LISTED, GapKind, PassedOver, Ranges, without
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import InvalidInput, ReadFailed, UnexplainedGap


def _batch(partition: int, *offsets: int) -> pa.RecordBatch:
    rows = [{"partition": partition, "offset": offset, "headers": []} for offset in offsets]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def test_every_offset_is_a_row_a_reject_or_a_gap() -> None:
    """What is neither a row nor a reject at the end of the window is a gap."""
    account = Ledger(window_of((10, 20), (0, 0), (5, 6)))
    account.add(_batch(0, 10, 11, 15), rejects=1)
    account.add(_batch(2, 5), rejects=0)
    account.add(_batch(0), rejects=0)
    account.add(_batch(0, 17, 18, 19).slice(1), rejects=0)
    assert (account.records, account.passed) == (6, 11)
    assert _prove(account, "compact") == {
        orders(0): Counts(4, 1, 5, compacted=5),
        orders(1): Counts(0, 0, 0),
        orders(2): Counts(1, 0, 0),
    }


def _passed(*ranges: tuple[int, int], kind: GapKind = GapKind.CONTROL, partition: int = 0) -> list[PassedOver]:
    return [PassedOver(OffsetRange("orders", partition, start, end), kind) for start, end in ranges]


def _account(window: Window, *offsets: int, passed: Iterable[PassedOver] = ()) -> Ledger:
    """Return the account of a window whose partition 0 was read."""
    account = Ledger(window)
    account.add(_batch(0, *offsets), rejects=0)
    for each in passed:
        account.pass_over(each)
    return account


def _prove(
    account: Ledger, policy: str | None, on_data_loss: OnDataLoss = OnDataLoss.FAIL
) -> dict[TopicPartition, Counts]:
    """Return what is proved where the topic has a policy."""
    return account.prove(lambda: policy, on_data_loss)


def _never() -> str:
    raise AssertionError("nobody has to be asked")


def test_gaps_that_the_log_accounts_for_have_a_kind() -> None:
    """Markers and aborted records are counted within the window, once, and no policy is asked for."""
    passed = [
        *_passed((3, 7), kind=GapKind.ABORTED),
        *_passed((7, 8)),
        *_passed((3, 7), kind=GapKind.ABORTED),
        *_passed((12, 20), kind=GapKind.ABORTED),
        *_passed((0, 5), partition=9),
    ]
    account = _account(window_of((5, 15), (2, 2)), 8, 9, 10, 11, passed=passed)
    assert account.prove(_never, OnDataLoss.FAIL) == {
        orders(0): Counts(4, 0, 6, control=1, aborted=5, compacted=0),
        orders(1): Counts(0, 0, 0),
    }


@pytest.mark.parametrize("policy", ["compact", "compact,delete", "delete,compact"])
def test_what_is_left_may_be_compaction(policy: str) -> None:
    """Where the topic is compacted, offsets without a record and without a marker were removed by that."""
    account = _account(window_of((0, 10)), 2, 3, 7, passed=_passed((8, 9)))
    assert _prove(account, policy)[orders(0)] == Counts(3, 0, 7, control=1, aborted=0, compacted=6)


@pytest.mark.parametrize(
    ("offsets", "passed", "first", "count"),
    [
        ((5, 6, 7, 8), (), r"\[0, 5\)", 6),
        ((0, 1, 4, 5, 9), [(2, 3)], r"\[3, 4\)", 4),
        ((0, 1, 2, 3, 4, 5, 6), [(9, 10)], r"\[7, 9\)", 2),
        ((), [(0, 4), (6, 8)], r"\[4, 6\)", 4),
    ],
    ids=str,
)
@pytest.mark.parametrize("policy", ["delete", None])
def test_an_unexplained_gap_fails(
    offsets: tuple[int, ...], passed: list[tuple[int, int]], first: str, count: int, policy: str | None
) -> None:
    """Offsets that nothing accounts for are named, with how many there are and what was looked at."""
    account = _account(window_of((0, 10)), *offsets, passed=_passed(*passed))
    seen = "is delete" if policy else "is not for this login to know"
    with pytest.raises(UnexplainedGap, match=rf"(?s)orders\[0\]@{first}: {count} offsets.*cleanup\.policy {seen}"):
        _prove(account, policy)


def test_what_is_lost_may_be_skipped_and_is_listed() -> None:
    """Ranges that the reader has lost, and unexplained ones, are missing: listed exactly, and no gaps."""
    account = Ledger(window_of((0, 20)))
    for each in (*_passed((15, 20), kind=GapKind.MISSING), *_passed((0, 4), kind=GapKind.MISSING), *_passed((6, 7))):
        account.pass_over(each)
    account.add(_batch(0, 4, 5, 9, 10), rejects=0)
    assert _prove(account, "delete", OnDataLoss.SKIP)[orders(0)] == Counts(4, 0, 1, control=1, missing=15)
    assert list(map(str, account.missing)) == [
        "orders[0]@[0, 4)",
        "orders[0]@[7, 9)",
        "orders[0]@[11, 20)",
    ]


def test_what_the_filter_leaves_out_is_neither_a_row_nor_a_gap() -> None:
    """Every offset is a row, a reject, filtered, a gap or missing, also when shares are put together."""
    whole = Ledger(window_of((0, 20)))
    for start, end, rejects, filtered in ((0, 10, 1, 3), (10, 20, 0, 2)):
        share = Ledger(window_of((start, end)))
        share.add(_batch(0, *range(start, end - 1)), rejects, filtered)
        for each in _passed((end - 1, end)):
            share.pass_over(each)
        whole.merge(share)
    (counts,) = whole.prove(_never, OnDataLoss.FAIL).values()
    assert counts == Counts(rows=12, rejects=1, gaps=2, control=2, filtered=5)
    assert (whole.records, whole.filtered) == (18, 5)


def test_what_the_reader_has_lost_is_no_unexplained_gap() -> None:
    """Nobody has to account for what is recorded as missing."""
    account = Ledger(window_of((0, 6)))
    account.pass_over(PassedOver(OffsetRange("orders", 0, 0, 4), GapKind.MISSING))
    account.add(_batch(0, 4, 5), rejects=0)
    assert account.prove(_never, OnDataLoss.FAIL)[orders(0)] == Counts(2, 0, 0, missing=4)


def test_a_gap_beyond_what_is_listed_is_still_counted() -> None:
    """Memory is bounded: of very many gaps the first are listed, and all are counted."""
    end = 4 * LISTED
    account = _account(window_of((0, end)), *range(0, end, 2), passed=_passed(*((n, n + 1) for n in range(1, end, 2))))
    assert account.prove(_never, OnDataLoss.FAIL)[orders(0)].control == 2 * LISTED
    one_less = _passed(*((n, n + 1) for n in range(1, end - 2, 2)))
    with pytest.raises(UnexplainedGap, match="1 offsets"):
        _account(window_of((0, end)), *range(0, end, 2), passed=one_less).prove(lambda: "delete", OnDataLoss.FAIL)


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_taking_ranges_away_is_set_difference(some: set[int], others: set[int]) -> None:
    """What is left of ranges is what is in none of the others."""
    left = without(_ranges(some), _ranges(others))
    assert {offset for start, end in left for offset in range(start, end)} == some - others


def _ranges(offsets: set[int]) -> list[tuple[int, int]]:
    found = Ranges(0, 100)
    for offset in sorted(offsets):
        found.add(offset, offset + 1)
    assert found.covered == len(offsets)
    return found.listed


@pytest.mark.parametrize(("end", "kind"), [(0, GapKind.CONTROL), (1, GapKind.COMPACTED)])
def test_what_no_reader_passes_over_is_refused(end: int, kind: GapKind) -> None:
    """A range of nothing, and offsets that are not there to be seen, are no evidence."""
    with pytest.raises(InvalidInput, match="nothing that a reader passes over"):
        PassedOver(OffsetRange("orders", 0, 0, end), kind)


@pytest.mark.parametrize(
    ("partition", "offsets"),
    [
        (0, (9,)),
        (0, (20,)),
        (0, (19, 20)),
        (0, (12,)),
        (0, (11, 13)),
        (0, (15, 14)),
        (0, (15, 15)),
        (1, (0,)),
        (7, (0,)),
    ],
    ids=str,
)
def test_records_that_are_not_the_windows_are_refused(partition: int, offsets: tuple[int, ...]) -> None:
    """A record outside the window, out of order, or a second time fails the load: it would double rows."""
    account = Ledger(window_of((10, 20), (0, 0)))
    account.add(_batch(0, 10, 12), rejects=0)
    with pytest.raises(
        ReadFailed, match=rf"offsets {offsets[0]} to {offsets[-1]} of orders\[{partition}\].*nothing was"
    ):
        account.add(_batch(partition, *offsets), rejects=0)
    assert account.records == 2
