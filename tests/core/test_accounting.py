"""Counting a window's offsets, and cutting its columns to blocks."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from core.examples import window_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting import Account
from airflow_provider_kafka_odps.core.blocks import cut_blocks
from airflow_provider_kafka_odps.core.receipt import Counts
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import ReadFailed


def _batch(partition: int, *offsets: int) -> pa.RecordBatch:
    rows = [{"partition": partition, "offset": offset, "headers": []} for offset in offsets]
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def test_every_offset_is_a_row_a_reject_or_a_gap() -> None:
    """What is neither a row nor a reject at the end of the window is a gap."""
    account = Account(window_of((10, 20), (0, 0), (5, 6)))
    account.add(_batch(0, 10, 11, 15), rejects=1)
    account.add(_batch(2, 5), rejects=0)
    account.add(_batch(0), rejects=0)
    account.add(_batch(0, 17, 18, 19).slice(1), rejects=0)
    assert account.rows == 5
    assert account.counts() == {0: Counts(4, 1, 5), 1: Counts(0, 0, 0), 2: Counts(1, 0, 0)}


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
    account = Account(window_of((10, 20), (0, 0)))
    account.add(_batch(0, 10, 12), rejects=0)
    with pytest.raises(
        ReadFailed, match=rf"offsets {offsets[0]} to {offsets[-1]} of partition {partition}.*nothing was"
    ):
        account.add(_batch(partition, *offsets), rejects=0)
    assert account.rows == 2


@given(st.lists(st.lists(st.integers(), max_size=4)), st.integers(1, 100))
def test_blocks_keep_rows_and_order(batches: list[list[int]], size: int) -> None:
    """All rows come out once and in order; only the last block is smaller than asked, none is empty."""
    columns = [pa.RecordBatch.from_pydict({"n": pa.array(map(hash, rows), pa.int64())}) for rows in batches]
    blocks = list(cut_blocks(iter(columns), size))
    flat = [value for block in blocks for batch in block for value in batch.column("n").to_pylist()]
    assert flat == [hash(value) for rows in batches for value in rows]
    assert all(sum(batch.nbytes for batch in block) >= size for block in blocks[:-1])
    assert all(batch.num_rows for block in blocks for batch in block)


def test_blocks_are_cut_while_batches_arrive() -> None:
    """A block is there as soon as it is full: memory does not grow with the window."""
    arrived: list[int] = []

    def arrive() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            arrived.append(number)
            yield pa.RecordBatch.from_pydict({"n": pa.array([number], pa.int64())})

    blocks = cut_blocks(arrive(), 16)
    assert len(next(blocks)) == 2
    assert arrived == [0, 1]
