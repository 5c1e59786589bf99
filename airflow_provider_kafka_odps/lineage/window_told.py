"""What the run facet ``kafkaOdps_window`` tells of a load: a closed set of fields (docs/lineage.md)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.journal.window_text import bounds_text
from airflow_provider_kafka_odps.core.window.bounds import moment_text
from airflow_provider_kafka_odps.core.window.window import Window

FACET = "kafkaOdps_window"
SCHEMA = (
    "https://airflow-provider-kafka-odps.readthedocs.io/en/latest/facets/1-0-0/KafkaOdpsWindowRunFacet.json"
    "#/$defs/KafkaOdpsWindowRunFacet"
)
"""The fields as a JSON schema; docs/extra has the file. Another set of fields gets another number."""

_LONGEST = 500
"""Characters of a text: an event is no place for what somebody has pasted into a parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTold:
    """The fields, under the names that they have in the event; what is None is not in it."""

    topic: str
    table: str
    partition: str | None = None
    mode: str | None = None
    window: str | None = None
    """Topic and bounds in words."""
    plannedAt: str | None = None  # noqa: N815 - OpenLineage writes names so
    isolationLevel: str | None = None  # noqa: N815
    clusterId: str | None = None  # noqa: N815
    topicId: str | None = None  # noqa: N815
    offsets: int | None = None
    partitions: int | None = None
    loaded: bool | None = None
    """Whether this run has put the rows there; False: they were there, and were kept."""
    uploadId: str | None = None  # noqa: N815
    rows: int | None = None
    rejects: int | None = None
    filtered: int | None = None
    gaps: int | None = None
    missing: int | None = None
    late: int | None = None
    early: int | None = None
    blocks: int | None = None
    bytes: int | None = None
    attempts: int | None = None
    commit: str | None = None
    reconciled: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What is told, by name."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: shortened(value) if isinstance(value, str) else value
            for name, value in told.items()
            if value is not None
        }


def of_window(window: Window) -> dict[str, Any]:
    """Return the fields that a planned window has."""
    return {
        "window": bounds_text(window),
        "plannedAt": moment_text(window.planned_at),
        "isolationLevel": window.isolation_level.value,
        "clusterId": window.cluster_id,
        "topicId": window.topic_id,
        "offsets": window.span,
        "partitions": len(window.ranges),
    }


def of_receipt(receipt: Receipt, *, loaded: bool) -> dict[str, Any]:
    """Return the fields that a load has that is done."""
    counts = receipt.partitions.values()
    return {
        "loaded": loaded,
        "uploadId": receipt.upload_id,
        "rows": receipt.rows,
        "rejects": receipt.rejects,
        "filtered": receipt.filtered,
        "gaps": sum(each.gaps for each in counts),
        "missing": receipt.lost,
        "late": receipt.late,
        "early": sum(each.early for each in counts),
        "blocks": receipt.blocks,
        "bytes": receipt.bytes,
        "attempts": receipt.attempts,
        "commit": receipt.learned and receipt.learned.value,
        "reconciled": receipt.reconciled and receipt.reconciled.value,
    }


def shortened(text: str) -> str:
    """Return a text, or its beginning."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
