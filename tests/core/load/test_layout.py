"""Laying a window out into blocks: laws."""

from __future__ import annotations

import pytest
from core.examples import offsets_in, window_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.load.layout import MOST_BLOCKS, Block, lay_out
from airflow_provider_kafka_odps.core.load.resources import Resources

RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)).map(lambda at: (at[0], at[0] + at[1])), max_size=6)
SIZES = st.dictionaries(st.integers(0, 5), st.integers(0, 9))


def _parts(block: Block) -> dict[int, tuple[int, int]]:
    return {each.partition: (each.start, each.end) for each in block.ranges}


@pytest.mark.parametrize(
    ("ranges", "blocks", "sizes", "laid"),
    [
        ([(0, 10), (0, 10)], 1, {}, [{0: (0, 10), 1: (0, 10)}]),
        ([(0, 10), (0, 10)], 2, {}, [{0: (0, 10)}, {1: (0, 10)}]),
        ([(0, 100), (0, 10), (5, 5)], 2, {}, [{0: (0, 55)}, {0: (55, 100), 1: (0, 10)}]),
        ([(0, 10), (0, 10)], 2, {0: 3}, [{0: (0, 7)}, {0: (7, 10), 1: (0, 10)}]),
        ([(0, 1), (0, 9)], 10, {0: 9}, [{0: (0, 1)}, *({1: (max(0, at), at + 2)} for at in range(-1, 9, 2))]),
        ([(7, 10)], 9, {}, [{0: (7, 8)}, {0: (8, 9)}, {0: (9, 10)}]),
        ([(7, 7)], 9, {}, []),
    ],
)
def test_a_window_is_laid_out(
    ranges: list[tuple[int, int]], blocks: int, sizes: dict[int, int], laid: list[dict[int, tuple[int, int]]]
) -> None:
    """Small partitions share a block, large ones are cut, by bytes; and no block has nothing."""
    found = lay_out(window_of(*ranges), blocks, sizes)
    assert [_parts(block) for block in found] == laid
    assert [block.number for block in found] == list(range(len(laid)))


@given(ranges=RANGES, blocks=st.integers(1, 70), sizes=SIZES)
def test_blocks_tile_the_window(ranges: list[tuple[int, int]], blocks: int, sizes: dict[int, int]) -> None:
    """Every offset is in exactly one block, in their order; none has nothing, or much more bytes than another."""
    window = window_of(*ranges)
    found = lay_out(window, blocks, sizes)
    offsets = [(each.partition, at) for block in found for each in block.ranges for at in range(each.start, each.end)]
    assert offsets == [(each.partition, at) for each in window.ranges for at in range(each.start, each.end)]
    assert len(found) <= blocks
    assert all(block.ranges for block in found)
    weights = [sum(each.span * max(1, sizes.get(each.partition, 1)) for each in block.ranges) for block in found]
    assert max(weights, default=0) <= sum(weights) / min(blocks, max(1, window.span)) + 2 * max(1, *sizes.values(), 1)
    assert found == lay_out(window, blocks, sizes)


def test_there_are_no_more_blocks_than_an_upload_takes() -> None:
    """However small they would be."""
    assert len(lay_out(window_of((0, 3 * MOST_BLOCKS)), 2 * MOST_BLOCKS, {})) == MOST_BLOCKS


def test_a_window_of_one_offset_more_has_blocks_of_its_own() -> None:
    """The layout is one of the window that was planned: nothing else is in it."""
    assert offsets_in(window_of((3, 9))) == {0: (3, 9)}
    assert _parts(lay_out(window_of((3, 9)), 1, {})[0]) == {0: (3, 9)}


@pytest.mark.parametrize(
    ("concurrency", "size", "blocks"),
    [
        (1, 0, 1),
        (1, 60 << 20, 1),
        (1, 65 << 20, 2),
        (8, 15 << 20, 1),
        (8, 40 << 20, 2),
        (8, 233 << 20, 8),
        (8, 600 << 20, 16),
        (16, 10 << 30, 96),
        (0, 130 << 20, 3),
    ],
)
def test_how_many_blocks_a_window_is_worth(concurrency: int, size: int, blocks: int) -> None:
    """A block for each lane, as long as it is worth its requests; rounds of them where there is more."""
    assert Resources.within(concurrency=concurrency).blocks(size) == blocks


@given(size=st.integers(0, 1 << 40), concurrency=st.integers(0, 16))
def test_blocks_stay_within_what_the_service_takes(size: int, concurrency: int) -> None:
    """No more than 500 of one table in five minutes, where each lane has the 10 MB/s that the service takes of it."""
    resources = Resources.within(concurrency=concurrency)
    lanes, blocks = max(1, concurrency), resources.blocks(size)
    seconds = size / (lanes * 10 * (1 << 20))
    assert blocks <= max(lanes, 1) * 2 + 500 * seconds / 300
