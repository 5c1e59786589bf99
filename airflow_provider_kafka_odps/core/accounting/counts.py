"""What became of the offsets of one partition, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_kafka_odps.exceptions import InvalidInput


@dataclass(frozen=True, slots=True)
class Counts:
    """What the offsets of one partition became; ``rows + rejects + filtered + gaps + missing`` is the range's span."""

    rows: int
    rejects: int
    gaps: int
    """Offsets without a record: the sum of the kinds that follow."""
    control: int = 0
    """Transaction markers."""
    aborted: int = 0
    """Records of aborted transactions."""
    compacted: int = 0
    """Removed by compaction."""
    missing: int = 0
    """Lost, and skipped; not among the gaps."""
    late: int = 0
    """Records with a timestamp before the instant at which the window starts; they came when that hour was cut."""
    early: int = 0
    """Records with a timestamp at or after the instant at which the window ends."""
    filtered: int = 0
    """Records that the filter leaves out."""

    def __post_init__(self) -> None:
        """Refuse negative counts: more records came out of a range than it has offsets."""
        gaps = (self.gaps, self.control, self.aborted, self.compacted, self.missing)
        if min(self.rows, self.rejects, self.filtered, *gaps, self.late, self.early) < 0:
            raise InvalidInput(f"counts cannot be negative: {self}")

    def to_json(self) -> dict[str, int]:
        """Return the counts; kinds of gaps and of strays that there are none of are left out."""
        kinds = {"control": self.control, "aborted": self.aborted, "compacted": self.compacted, "missing": self.missing}
        always = {"rows": self.rows, "rejects": self.rejects, "gaps": self.gaps}
        strays = {"late": self.late, "early": self.early, "filtered": self.filtered}
        return {**always, **{kind: count for kind, count in (kinds | strays).items() if count}}


@dataclass(frozen=True, slots=True)
class RejectsUpload:
    """Where the rejects of one load went, and by which upload."""

    place: str
    upload_id: str
    blocks: int
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the receipt."""
        return {"place": self.place, "upload_id": self.upload_id, "blocks": self.blocks, "rows": self.rows}
