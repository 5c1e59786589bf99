"""Proof of one load: what was read, what was written, and by which upload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_kafka_odps.core.accounting.counts import Counts, RejectsUpload
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.journal.window_text import bounds_text
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.versioned import VERSION, read_versioned
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window

# A receipt names what settling found: a DAG that is parsed must not pay for pyarrow.


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one load; the return value of the operator, as JSON."""

    window: Window
    table: str
    partition: str | None
    mode: Mode
    upload_id: str | None
    """The upload session whose commit made the rows visible; None for an empty window."""
    blocks: int
    partitions: Mapping[TopicPartition, Counts]
    bytes: int
    """Bytes of the blocks before compression."""
    not_json: int
    """Values that are no JSON object although JSON paths are mapped; those columns are NULL."""
    seconds: Mapping[str, float]
    """Wall time per stage."""
    missing: tuple[str, ...] = ()
    """The ranges that were lost and skipped, such as ``orders[3]@[0, 40)``."""
    offsets: Mapping[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """Partition → offsets of its first and its last record, rejects included; without those that had none."""
    attempts: int = 1
    """How many tries of the task it took until the commit was learned of."""
    learned: CommitProof | None = None
    """How the commit was learned of; None before it, and where there was none."""
    reconciled: Reconciled | None = None
    """By what the table was found to show the load after the commit; None: it was not."""

    rejected_to: RejectsUpload | None = None
    """Where the rejects are; None: nowhere, or there were none."""

    drift: Mapping[str, Sequence[str]] | None = None
    """What was decided about columns that the table lacked: ``added`` and ``ignored`` ones; None: nothing had to be."""

    workers: int = 1
    """How many processes have loaded it."""

    found_by: tuple[str, ...] | None = None
    """The columns that hold partition and offset of each row's record; none: (). None: a release before wrote it."""

    nulls: Mapping[str, int] | None = None
    """Column → rows that have NULL in it, of columns that are filled from records; None: a release before wrote it."""

    empty_rows: int | None = None
    """Rows with NULL in every column that is filled from a value or a header; None: a release before wrote it."""

    speed: Speed | None = None
    """What the load took; None: a release before wrote it."""

    limit: str | None = None
    """Which resource limited the load and what would help; None: nothing was loaded, or it is not committed yet."""

    per_partition: Mapping[PartitionSpec, int] | None = None
    """Partition of the table → rows, of a load whose records say the partition; None: another one."""

    emptied: tuple[PartitionSpec, ...] = ()
    """Partitions of the window's interval that lose their rows, and get none; only in mode overwrite."""

    emptied_change: str | None = None
    """What was said of their last change when that was decided: another one, and somebody has written there since."""

    staged_bytes: int | None = None
    """What the rows took in the staging table, as the service stores them: so much its statement reads."""

    differs: tuple[str, ...] = ()
    """What the parameters asked for in the attempt that returns it, and the recorded window is not."""

    @property
    def rows(self) -> int:
        """How many rows the load made visible."""
        return sum(counts.rows for counts in self.partitions.values())

    @property
    def places(self) -> tuple[PartitionSpec, ...]:
        """The partitions that got rows, of a load whose records say the partition; (): of another one."""
        return tuple(self.per_partition or ())

    @property
    def written(self) -> tuple[PartitionSpec, ...]:
        """The partitions that are not what they were before, of such a load."""
        return (*self.places, *self.emptied)

    @property
    def rows_by_name(self) -> dict[str, int]:
        """The same with the rows of each, by the name of the partition."""
        return {str(partition): rows for partition, rows in (self.per_partition or {}).items()}

    @property
    def rejects(self) -> int:
        """How many records did not fit."""
        return sum(counts.rejects for counts in self.partitions.values())

    @property
    def filtered(self) -> int:
        """How many records the filter has left out."""
        return sum(counts.filtered for counts in self.partitions.values())

    @property
    def late(self) -> int:
        """How many records are of a time before the window's."""
        return sum(counts.late for counts in self.partitions.values())

    @property
    def lost(self) -> int:
        """How many offsets were lost, and skipped."""
        return sum(counts.missing for counts in self.partitions.values())

    @property
    def telling_rows(self) -> int:
        """How many rows are worth having: none where no row has anything of a value or a header.

        That is so where each is NULL in all such columns, and where paths are mapped and none leads into JSON.
        """
        no_json = self.not_json and self.not_json >= self.rows + self.rejects
        return 0 if no_json or (self.empty_rows or 0) >= self.rows else self.rows

    @property
    def by_upload(self) -> str:
        """What made the rows visible, in words."""
        return "nothing was uploaded" if self.upload_id is None else f"by upload {self.upload_id}"

    @property
    def summary(self) -> str:
        """The load in one line: window, rows, rejects, and the offsets that are lost where there are any."""
        lost = f", {self.lost} offsets missing" if self.lost else ""
        filtered = f", {self.filtered} filtered" if self.filtered else ""
        return f"{bounds_text(self.window)}: {self.rows} rows, {self.rejects} rejects{filtered}{lost}"

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as it stands in XCom (docs/reference.md)."""
        window = self.window
        beside = {"possibly_missing": window.possibly_missing, "left_out": window.left_out, "differs": self.differs}
        return {
            "summary": self.summary,
            "window": window.to_json(),
            **self.without_window(),
            **{name: list(each) for name, each in beside.items()},
            **window.written_log_end(),
        }

    def without_window(self) -> dict[str, Any]:
        """Return the receipt as it stands in the journal, which has the window already."""
        return {
            "version": VERSION,
            "table": self.table,
            "partition": self.partition,
            "mode": self.mode.value,
            "upload_id": self.upload_id,
            "blocks": self.blocks,
            "rows": self.rows,
            "rejects": self.rejects,
            **({"filtered": self.filtered} if self.filtered else {}),
            "gaps": sum(counts.gaps for counts in self.partitions.values()),
            "late": self.late,
            "early": sum(counts.early for counts in self.partitions.values()),
            "partitions": {str(each.partition): counts.to_json() for each, counts in sorted(self.partitions.items())},
            "missing": list(self.missing),
            "offsets": {str(each.partition): list(ends) for each, ends in sorted(self.offsets.items())},
            "attempts": self.attempts,
            "commit": self.learned and self.learned.value,
            "reconciled": self.reconciled and self.reconciled.value,
            "rejected_to": self.rejected_to and self.rejected_to.to_json(),
            "drift": self.drift,
            "bytes": self.bytes,
            "not_json": self.not_json,
            "workers": self.workers,
            **self._written_speed(),
            **({} if self.found_by is None else {"found_by": list(self.found_by)}),
            **({} if self.nulls is None else {"nulls": dict(self.nulls)}),
            **({} if self.empty_rows is None else {"empty_rows": self.empty_rows}),
            **({} if self.per_partition is None else {"per_partition": self.rows_by_name}),
            **({"emptied": [*map(str, self.emptied)], "emptied_change": self.emptied_change} if self.emptied else {}),
            **({} if self.staged_bytes is None else {"staged_bytes": self.staged_bytes}),
            "seconds": {stage: round(spent, 3) for stage, spent in self.seconds.items()},
        }

    def _written_speed(self) -> dict[str, Any]:
        if self.speed is None:
            return {}
        each = self.bytes // self.blocks if self.blocks else 0
        return {"block_bytes": each, **self.speed.to_json(), "limit": self.limit}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Receipt:
        """Read a receipt that ``to_json`` wrote, perhaps of an earlier release: what was added since has its default.

        Raises InvalidInput for another version and for anything that is no receipt.
        """
        with read_versioned(written, "this is no receipt"):
            window = Window.from_json(written["window"])
            return cls(
                window=window,
                table=written["table"],
                partition=written["partition"],
                mode=Mode(written["mode"]),
                upload_id=written["upload_id"],
                blocks=written["blocks"],
                partitions=_by_partition(window, written["partitions"], lambda counts: Counts(**counts)),
                bytes=written["bytes"],
                not_json=written["not_json"],
                seconds=dict(written["seconds"]),
                missing=tuple(written.get("missing", ())),
                offsets=_by_partition(window, written.get("offsets", {}), _first_and_last),
                attempts=written.get("attempts", 1),
                learned=None if written.get("commit") is None else CommitProof(written["commit"]),
                reconciled=None if written.get("reconciled") is None else Reconciled(written["reconciled"]),
                drift=written.get("drift"),
                workers=written.get("workers", 1),
                found_by=tuple(written["found_by"]) if "found_by" in written else None,
                nulls=dict(written["nulls"]) if "nulls" in written else None,
                empty_rows=written.get("empty_rows"),
                speed=Speed.from_json(written),
                limit=written.get("limit"),
                per_partition=_by_name(written.get("per_partition")),
                emptied=tuple(map(PartitionSpec.parse, written.get("emptied", ()))),
                emptied_change=written.get("emptied_change"),
                staged_bytes=written.get("staged_bytes"),
                differs=tuple(written.get("differs", ())),
                rejected_to=None if not written.get("rejected_to") else RejectsUpload(**written["rejected_to"]),
            )


def speed_line(receipt: Receipt) -> str:
    """Return how fast a load was and what limited it, in one line."""
    speed = receipt.speed or Speed()
    blocks = "1 block" if receipt.blocks == 1 else f"{receipt.blocks} blocks"
    return (
        f"{receipt.bytes / 10**6:.1f} MB in {blocks}, up to {speed.lanes} at a time, took {speed.elapsed:.1f} s: "
        f"{speed.pace / 10**6:.1f} MB/s, {speed.lane_pace / 10**6:.1f} of each lane. What limited it: {receipt.limit}"
    )


def _by_partition(window: Window, written: Mapping[str, Any], read: Callable[[Any], T]) -> dict[TopicPartition, T]:
    """Return what stands there by the number of the partition."""
    return {TopicPartition(window.topic, int(number)): read(each) for number, each in written.items()}


def _by_name(written: Mapping[str, int] | None) -> dict[PartitionSpec, int] | None:
    return None if written is None else {PartitionSpec.parse(name): rows for name, rows in written.items()}


def _first_and_last(written: Sequence[int]) -> tuple[int, int]:
    first, last = written
    return first, last


class CommitProof(StrEnum):
    """How it is known that an upload is committed."""

    ANSWERED = "answered"
    """The service said so when it was asked to commit."""
    SETTLED = "settled"
    """The session said so when it was asked for its status."""
    PROVED = "proved by rows"
    """The session is gone; its rows are in the table."""


class Reconciled(StrEnum):
    """By what the table was found to show the load."""

    OFFSETS = "offsets"
    """Rows, different offsets, the first and the last of them, per Kafka partition."""
    ROWS = "rows"
    """The number of rows in the table or partition that was overwritten."""
