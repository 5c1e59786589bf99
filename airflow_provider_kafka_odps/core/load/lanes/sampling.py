"""How large the rows of a window are, by a few of them: blocks are laid out by bytes before anything else is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.projecting import projected
from airflow_provider_kafka_odps.core.load.lanes.stages import OpenReader
from airflow_provider_kafka_odps.core.load.layout import Block, lay_out
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import workers_for
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.window.offsets import next_offset
from airflow_provider_kafka_odps.core.window.window import Window

LEAST_SPAN = 1_000
"""A window of fewer offsets is one block, or a few: nothing is read beforehand."""


ASSUMED_BYTES = 1_000
"""Per offset, where nothing is known of a window."""


_PARTITIONS, _OFFSETS, _BYTES = 8, 500, 8 * 1024 * 1024
"""Of so many partitions, the largest, so many offsets are read, and no more bytes than that of all of them."""


@dataclass(frozen=True, slots=True)
class BlockLayout:
    """A window in blocks, by what a few of its records take."""

    blocks: tuple[Block, ...]
    workers: int
    """How many processes it is worth."""
    sizes: Mapping[int, int]
    """Partition → bytes of rows per offset."""
    size: int
    """Bytes of all rows, about."""

    def at_once(self, resources: Resources) -> int:
        """Return how many blocks are written at a time, at most."""
        return max(1, resources.concurrency) * max(1, min(self.workers, len(self.blocks)))


def in_blocks(window: Window, open_reader: OpenReader, projection: Projection, resources: Resources) -> BlockLayout:
    """Read a few records of a window, and lay it out into blocks of about the same number of bytes."""
    sizes = row_sizes(window, open_reader, projection)
    size = sum(offsets.span * sizes[offsets.partition] for offsets in window.ranges)
    workers = workers_for(window, resources.workers)
    return BlockLayout(lay_out(window, max(workers, resources.blocks(size)), sizes), workers, sizes, size)


def row_sizes(window: Window, open_reader: OpenReader, projection: Projection) -> Mapping[int, int]:
    """Return the bytes of rows per offset, by partition; those that were not looked at have what all others have.

    Records that become no row count with the offsets. What a read raises passes through.
    """
    if window.span < LEAST_SPAN:
        return _all_alike(window, ASSUMED_BYTES)
    largest = sorted(window.ranges, key=lambda each: (-each.span, each.partition))[:_PARTITIONS]
    some = tuple(replace(each, end=min(each.end, each.start + _OFFSETS)) for each in sorted(largest) if each.span)
    starts = {each.partition: each.start for each in some}
    sizes, passed = Counter[int](), Counter[int]()
    with open_reader() as read, closing(read(replace(window, ranges=some), Evidence())) as batches:
        for batch in batches:
            partition = batch.column("partition")[0].as_py()
            parts = projected(projection, window.topic, batch)
            sizes[partition] += sum(int(found.columns.nbytes) for _, found in parts)
            passed[partition] = next_offset(batch.column("offset")[-1].as_py()) - starts[partition]
            if sizes.total() >= _BYTES:
                break
    if not passed:
        return _all_alike(window, ASSUMED_BYTES)
    of_all = max(1, sizes.total() // passed.total())
    return _all_alike(window, of_all) | {each: max(1, sizes[each] // passed[each]) for each in passed}


def _all_alike(window: Window, size: int) -> dict[int, int]:
    return {offsets.partition: size for offsets in window.ranges}
