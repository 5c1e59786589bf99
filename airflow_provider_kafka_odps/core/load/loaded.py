"""What the processes of a load have done, put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from airflow_provider_kafka_odps.core.accounting.counts import Counts, RejectsUpload
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.shares import ShareResult
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import WorkerFailed


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded of a window, in blocks that nobody sees yet."""

    counts: Mapping[TopicPartition, Counts]
    offsets: Mapping[TopicPartition, tuple[int, int]]
    """Of the first and the last record of each partition that had any."""
    missing: tuple[str, ...]
    """The ranges that were lost and skipped."""
    blocks: int
    bytes: int
    not_json: int
    nulls: Mapping[str, int]
    """Column → rows that have NULL in it, where there are any."""
    empty_rows: int
    """Rows with NULL in every column that is filled from a value or a header."""
    seconds: Mapping[str, float]
    """Per stage."""
    workers: int
    speed: Speed
    rejected_to: RejectsUpload | None
    """Where the rejects are written to; None: there is nothing of them to be made visible."""
    per_partition: Mapping[PartitionSpec, int] | None
    """Partition of the table → rows, where records say the partition."""


def gather(window: Window, results: Sequence[ShareResult], of: int) -> ShareResult:
    """Return what was loaded of the whole window, from what was loaded of each share, in their order.

    Raises WorkerFailed where a share is missing: in a compacted topic its offsets would pass for removed ones.
    """
    if len(results) != of:
        raise WorkerFailed(f"{len(results)} of {of} shares are loaded; nothing was committed")
    ledger, seconds = Ledger(window), defaultdict[str, float](float)
    for each in results:
        ledger.merge(each.ledger)
        for stage, spent in each.seconds.items():
            seconds[stage] += spent
    return ShareResult(
        ledger,
        blocks=sum(each.blocks for each in results),
        bytes=sum(each.bytes for each in results),
        not_json=sum(each.not_json for each in results),
        seconds=dict(seconds),
        speed=reduce(Speed.beside, (each.speed for each in results)),
    )
