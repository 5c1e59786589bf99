"""What all who write to one upload have to agree on, as a short text: the same blocks, and the same rows in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.mapping.projection import Origin
    from airflow_provider_kafka_odps.core.table.schema import Column


_PARTS = ("the release of this package", "the window or its blocks", "the mapping", "the table's columns")


_DIGITS = 8
"""Of each part: 32 bits, so that one of many thousand accidents would pass."""


def fingerprint(window: Window, blocks: Sequence[Block], origin: Origin, release: str = __version__) -> str:
    """Return the fingerprint of some blocks of a window: 32 hexadecimal digits, the same in every process.

    It is of all that decides which row a record becomes, and in which block: the release of this package, the topic
    and its ranges, the layout, the mapping as the user wrote it with all that belongs to it, and the table's columns.
    How fast and how often blocks are written, and how they are compressed, is not in it.
    """
    table = origin.schema
    parts: tuple[Any, ...] = (
        release,
        (
            *(window.topic, window.topic_id, window.cluster_id, window.isolation_level),
            _ranges(window.ranges),
            [(block.number, _ranges(block.ranges)) for block in blocks],
        ),
        (sorted(origin.columns.items()), asdict(origin.record_format), asdict(origin.wanted), *origin.levels),
        (_columns(table.columns), _columns(table.partition_columns)),
    )
    return "".join(map(_digest, parts))


def differences(planned: str, own: str) -> str:
    """Return in words what two fingerprints do not agree on.

    >>> differences("0000000011111111aaaaaaaaffffffff", "0000000011111111bbbbbbbbeeeeeeee")
    "the mapping and the table's columns"
    """
    edges = range(0, len(_PARTS) * _DIGITS, _DIGITS)
    return " and ".join(
        name for name, at in zip(_PARTS, edges, strict=True) if planned[at : at + _DIGITS] != own[at : at + _DIGITS]
    )


def _digest(part: object) -> str:
    # The names of fields are sorted, and no set is in it: there is one text for one value.
    text = json.dumps(part, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _ranges(ranges: Iterable[OffsetRange]) -> list[tuple[int, int, int]]:
    return [(each.partition, each.start, each.end) for each in ranges]


def _columns(columns: Iterable[Column]) -> list[tuple[str, str, bool]]:
    return [(each.name, str(each.type), each.nullable) for each in columns]
