"""Which offsets of a window go into which block of the upload: decided before the first record is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window

MOST_BLOCKS = 20_000
"""Blocks of one upload. Source: MaxCompute's limits of the tunnel."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the upload: the rows of these offsets and nothing else, whoever writes it and however often."""

    number: int
    ranges: tuple[OffsetRange, ...]
    """Of the window, in its order; a partition of which nothing is in the block is not there."""


def lay_out(window: Window, blocks: int, sizes: Mapping[int, int]) -> tuple[Block, ...]:
    """Return the blocks of a window: up to so many, of about the same number of bytes.

    ``sizes`` has bytes per offset by partition; one that is missing counts as one byte. The ranges are laid end to end
    in the order of partitions and cut into equal parts of these bytes, so the same arguments give the same blocks, a
    large partition is cut, and small ones share a block. A window without an offset has no block.
    """
    weights = [(offsets, max(1, sizes.get(offsets.partition, 1))) for offsets in window.ranges if offsets.span]
    total = sum(offsets.span * weight for offsets, weight in weights)
    wanted = max(1, min(blocks, MOST_BLOCKS, window.span))
    laid: list[list[OffsetRange]] = [[]]
    edges, before = (total * number // wanted for number in range(1, wanted + 1)), 0
    edge = next(edges)
    for offsets, weight in weights:
        start = offsets.start
        while start < offsets.end:
            # An offset belongs where its first byte does.
            cut = max(start, min(offsets.end, offsets.start + -(-(edge - before) // weight)))
            if start < cut:
                laid[-1].append(replace(offsets, start=start, end=cut))
            start = cut
            if before + (start - offsets.start) * weight >= edge:
                laid.append([])
                edge = next(edges, total + 1)
        before += offsets.span * weight
    # A part that is smaller than an offset of its partition has none.
    return tuple(Block(number, tuple(ranges)) for number, ranges in enumerate(filter(None, laid)))
