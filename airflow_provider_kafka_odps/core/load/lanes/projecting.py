"""Batches projected whole, or in parts where a function would make too much of all their values at once."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.mapping.strict import TooMuchAtOnce

_LIKELY = 0.8
"""How much of what has fitted is tried at once the next time."""


def projected(projection: Projection, topic: str, batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, Projected]]:
    """Yield a batch, or parts of it in their order, each with what it becomes."""
    try:
        whole = projection.apply(topic, batch)
    except TooMuchAtOnce as found:
        # The rest is not like what was seen of it: with less than that, fewer parts are tried in vain.
        step = max(1, int(len(batch) * found.share * _LIKELY))
    else:
        yield batch, whole
        return
    for start in range(0, len(batch), step):
        yield from projected(projection, topic, batch.slice(start, step))
