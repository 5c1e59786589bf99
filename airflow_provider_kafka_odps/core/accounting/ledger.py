"""Counting what the offsets of a window became, and refusing records that are not the window's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.content import Content
from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.accounting.partition import PartitionLedger
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition, joined
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import ReadFailed, UnexplainedGap


class Ledger:
    """The running count of a window, or of a share of it; it can be sent to another process, and merged there."""

    def __init__(self, window: Window) -> None:
        self._topic, self._lateness = window.topic, Lateness.of(window)
        self._partitions = {offsets.topic_partition: PartitionLedger(offsets) for offsets in window.ranges}
        self.content = Content()
        """What the rows have of the records."""

    def add(self, batch: pa.RecordBatch, rejects: int, filtered: int = 0) -> None:
        """Count a batch of one partition, of whose records ``rejects`` and ``filtered`` became no row.

        Raises ReadFailed for a record outside the window, before one that was counted, or twice: such a batch would
        double rows, and nothing that was read so far becomes visible.
        """
        if not batch.num_rows:
            return
        partition = TopicPartition(self._topic, batch.column("partition")[0].as_py())
        ledger, offsets = self._partitions.get(partition), batch.column("offset").to_numpy()
        if ledger is None:
            raise ReadFailed(
                f"the reader delivered offsets {offsets[0]} to {offsets[-1]} of {partition}, where nothing was wanted; "
                "nothing was committed"
            )
        ledger.add(offsets, rejects, filtered)
        late, early = self._lateness.count(batch.column("timestamp"))
        ledger.late += late
        ledger.early += early

    def pass_over(self, passed: PassedOver) -> None:
        """Take note of offsets without a record that the log itself accounts for."""
        if ledger := self._partitions.get(passed.offsets.topic_partition):
            ledger.pass_over(passed)

    def merge(self, share: Ledger) -> None:
        """Take over the ledger of a share of this window; shares come in the order of their offsets."""
        for partition, theirs in share._partitions.items():
            self._partitions[partition].merge(theirs)
        self.content.merge(share.content)

    @property
    def passed(self) -> int:
        """How many offsets are behind the last record of their partition."""
        return sum(each.position - each.offsets.start for each in self._partitions.values())

    @property
    def passed_by_partition(self) -> dict[int, int]:
        """The same of each partition, by its number."""
        return {place.partition: each.position - each.offsets.start for place, each in self._partitions.items()}

    @property
    def records(self) -> int:
        """How many records were counted so far, rejects and filtered ones among them."""
        return sum(each.records for each in self._partitions.values())

    @property
    def filtered(self) -> int:
        """How many of them the filter has left out."""
        return sum(each.filtered for each in self._partitions.values())

    @property
    def rejects(self) -> int:
        """How many of them do not fit."""
        return sum(each.rejects for each in self._partitions.values())

    @property
    def ahead(self) -> list[OffsetRange]:
        """What is behind the last record of each partition, in their order."""
        return [
            replace(each.offsets, start=each.position)
            for _, each in sorted(self._partitions.items())
            if each.position < each.offsets.end
        ]

    @property
    def first_last(self) -> dict[TopicPartition, tuple[int, int]]:
        """The offsets of the first and the last record so far, of each partition that had any."""
        return {place: each.first_last for place, each in self._partitions.items() if each.first_last is not None}

    @property
    def missing(self) -> tuple[OffsetRange, ...]:
        """The ranges that were lost and skipped, in order; of very many in one partition the first are listed."""
        return tuple(joined(sorted(lost for each in self._partitions.values() for lost in each.missing)))

    def prove(self, cleanup_policy: Callable[[], str | None], on_data_loss: OnDataLoss) -> dict[TopicPartition, Counts]:
        """Return what became of each partition's offsets; to be asked when the window has been read to its end.

        ``cleanup_policy`` is asked for the topic's if offsets have no record and nothing that was passed over accounts
        for it; None: it is not known. What is unexplained may be skipped as missing.
        Raises UnexplainedGap for offsets without a record that compaction may not have removed.
        """
        unexplained = {place: each for place, each in self._partitions.items() if each.unaccounted}
        if unexplained:
            policy = cleanup_policy()
            if policy is not None and "compact" in policy:
                return {place: each.counts(compacted=each.unaccounted) for place, each in self._partitions.items()}
            if on_data_loss is OnDataLoss.FAIL:
                raise UnexplainedGap(_unexplained(unexplained, policy))
            for each in unexplained.values():
                each.skip_unaccounted()
        return {place: each.counts(compacted=0) for place, each in self._partitions.items()}


def _unexplained(partitions: Mapping[TopicPartition, PartitionLedger], policy: str | None) -> str:
    lines = "\n".join(f"{each.first_gap}: {each.unaccounted} offsets without a record" for each in partitions.values())
    return (
        f"{lines}\nNo transaction marker and no aborted transaction accounts for them, and the topic's "
        f"cleanup.policy is {policy or 'not for this login to know (it needs DESCRIBE_CONFIGS on the topic)'}, so "
        "compaction does not either: these records are lost, or the log was damaged. Nothing was committed"
    )
