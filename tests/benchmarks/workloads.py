"""What is loaded: topics of made-up records, and the columns that they go into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.events import events, readings

FIVE = {"key": "__key__", "value": "__value__", "part": "__partition__", "off": "__offset__", "ts": "__timestamp__"}
FIVE_TYPES = {"key": "string", "value": "string", "part": "bigint", "off": "bigint", "ts": "bigint"}
EIGHT = {
    "key": "__key__",
    "value": "__value__",
    "partition1": "__partition__",
    "timestamp1": "__timestamp__",
    "offset": "__offset__",
    "t123": "'123'",
    "event_id": "event_id",
    "tag": "tag.desc",
}
ELEVEN = EIGHT | {"at": "at", "ms": "ms", "phone": "phone"}
TIMED = EIGHT | {
    "at": "at | time('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')",
    "ms": "ms | epoch_ms",
    "phone": "phone | mask(3, 4)",
}
TWENTY = {f"c{number}": f"f{number}" for number in range(20)}
TWENTY_TYPES = {f"c{number}": ("bigint", "double", "string", "boolean")[number % 4] for number in range(20)}


@dataclass(frozen=True, slots=True)
class Workload:
    """One topic, one table, one mapping."""

    name: str
    told: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    partitions: int = 4
    compression: str = "lz4"
    value_bytes: int = 195
    records_per_batch: int = 0
    """0: as many as the producer's own settings put into one."""
    skewed: bool = False
    share: float = 1.0
    """Of the rows that were asked for."""
    ours_only: bool = False
    """What is measured is ours alone: its memory, which the other ways do not bound, or what they do not have."""
    where: str | None = None
    """Which records are loaded; None: all."""
    partition_by: Mapping[str, str] | None = None
    """Which partition each record says, by level; None: the table has no partitions."""
    timed: bool = False
    """Whether records have times that no column needs."""
    broken_every: int = 0
    """One value in so many is cut off and no JSON any more; 0: none. Only ours goes on after such a value."""

    def rows(self, asked: int) -> int:
        """Return how many records the topic gets."""
        return max(1, round(asked * self.share))

    def partition_of(self, number: int) -> int:
        """Return where a record goes: evenly, or half of all to the first partition, a quarter to the second, …."""
        if not self.skewed:
            return number % self.partitions
        # The number of trailing ones is distributed like that.
        return min((number + 1 & -(number + 1)).bit_length() - 1, 5) if number % 2 else number // 2 % self.partitions

    def values(self, rows: int, seed: int) -> Iterator[bytes]:
        """Yield JSON values of about ``value_bytes``; the same seed gives the same."""
        if self.columns is TWENTY:
            made = readings(rows, seed, self.value_bytes)
        else:
            made = events(rows, seed, self.value_bytes, timed=self.timed or "at" in self.columns)
        for number, value in enumerate(made):
            yield value[:-1] if self.broken_every and number % self.broken_every == 0 else value


STRINGS = dict.fromkeys(EIGHT, "string")
_AT = "at | time('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai') | format"
_HOURS = {"ds": f"{_AT}('yyyyMMdd', 'Asia/Shanghai')", "hh": f"{_AT}('HH', 'Asia/Shanghai')"}
_TIMED: dict[str, Any] = {"value_bytes": 300, "share": 0.25, "ours_only": True, "timed": True}
_THREE = {"at": "string", "ms": "bigint", "phone": "string"}
_TIMES = {"at": "datetime", "ms": "datetime", "phone": "string"}
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "five columns, no JSON", FIVE, FIVE_TYPES),
        Workload("W2", "the tutorial's eight columns, two JSON paths", EIGHT, STRINGS),
        Workload("W3", "1 KB values, zstd", FIVE, FIVE_TYPES, compression="zstd", value_bytes=1_000, share=0.25),
        Workload("W4", "five records per batch", FIVE, FIVE_TYPES, records_per_batch=5, share=0.25),
        Workload("W5", "64 partitions, skewed", FIVE, FIVE_TYPES, partitions=64, skewed=True),
        Workload("W6", "10 KB values", FIVE, FIVE_TYPES, value_bytes=10_000, share=0.05),
        Workload("W7", "twenty JSON paths into typed columns", TWENTY, TWENTY_TYPES, value_bytes=240, share=0.25),
        Workload("W8", "as W2, one value in a hundred is broken", EIGHT, STRINGS, broken_every=100),
        Workload("W9", "as W2, a partition per hour", EIGHT, STRINGS, **_TIMED, partition_by=_HOURS),
        Workload("W9S", "the records of W9, no partitions", EIGHT, STRINGS, **_TIMED),
        Workload("W10", "W2 and three paths more", ELEVEN, STRINGS | _THREE, value_bytes=300, ours_only=True),
        Workload("W10F", "as W10, two times and a mask", TIMED, STRINGS | _TIMES, value_bytes=300, ours_only=True),
        Workload(
            "W10W",
            "as W10F, of which a third is kept",
            TIMED,
            STRINGS | _TIMES,
            value_bytes=300,
            ours_only=True,
            where="tag.n < 2 AND amount >= 1500",
        ),
        Workload("M1", "memory: a million small records", FIVE, FIVE_TYPES, value_bytes=100, share=0.5, ours_only=True),
        Workload("M10", "memory: ten million", FIVE, FIVE_TYPES, value_bytes=100, share=5, ours_only=True),
        Workload("M50", "memory: fifty million", FIVE, FIVE_TYPES, value_bytes=100, share=25, ours_only=True),
        Workload(
            "M64", "memory: 64 partitions", FIVE, FIVE_TYPES, partitions=64, value_bytes=100, share=0.5, ours_only=True
        ),
        Workload("MB", "memory: 1 MB values", FIVE, FIVE_TYPES, value_bytes=1_000_000, share=0.0005, ours_only=True),
    )
}
