"""Record batches of one partition to Arrow batches: several at once, cut at the edges of a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import cast

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.decoding.assembly import arrow_batch
from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS, BATCH_SCHEMA, LegacyBatch
from airflow_provider_kafka_odps.decoding.legacy import legacy_columns
from airflow_provider_kafka_odps.decoding.raw import RawBatches
from airflow_provider_kafka_odps.decoding.records import Fields, read_fields
from airflow_provider_kafka_odps.decoding.varints import Malformed
from airflow_provider_kafka_odps.decoding.workspace import Workspace
from airflow_provider_kafka_odps.exceptions import CorruptBatch

GROUP_RECORDS = 25_000
"""Records that are decoded together: fewer pay the fixed costs more often, many more miss the processor's cache."""
GROUP_BYTES = 5 * 1024 * 1024
"""Unpacked bytes that are decoded together."""
_MESSAGES = 2_000
"""Messages of formats 0 and 1 that are decoded together."""


class BatchDecoder:
    """Turns Kafka's record batches into Arrow batches of ``BATCH_SCHEMA``; not for several threads at once."""

    def __init__(self, wanted: frozenset[str], unpack_limit: int) -> None:
        """Take the columns that are wanted (others come as nulls) and the bytes that one batch may unpack to."""
        if unknown := wanted - ALL_COLUMNS:
            raise ValueError(f"there are no columns {sorted(unknown)}; there are {BATCH_SCHEMA.names}")
        self._wanted = wanted
        self._workspace = Workspace(GROUP_BYTES, GROUP_RECORDS, unpack_limit)

    def decode(self, batches: Iterable[RawBatches | LegacyBatch], offsets: OffsetRange) -> Iterator[pa.RecordBatch]:
        """Yield the records of ``batches`` whose offset is in ``offsets``, in their order; never an empty batch.

        The batches are of the partition of ``offsets``, as the client returned them. About ``GROUP_RECORDS`` records
        make one Arrow batch. Raises CorruptBatch, with topic, partition and offset, for anything malformed.
        """
        where = f"{offsets.topic}[{offsets.partition}]"
        self._workspace.clear()
        for kind, alike in groupby(batches, type):
            if kind is LegacyBatch:
                yield from self._decode_messages(cast("Iterator[LegacyBatch]", alike), offsets, where)
            else:
                yield from self._decode_raw(cast("Iterator[RawBatches]", alike), offsets, where)

    def _decode_raw(self, runs: Iterator[RawBatches], offsets: OffsetRange, where: str) -> Iterator[pa.RecordBatch]:
        for run in runs:
            inside, added = run.within(offsets.start, offsets.end), 0
            while added < len(inside):
                added = self._workspace.add(inside, added, where)
                if self._workspace.full:
                    yield from self._flush(offsets, where)
        yield from self._flush(offsets, where)

    def _decode_messages(
        self, messages: Iterator[LegacyBatch], offsets: OffsetRange, where: str
    ) -> Iterator[pa.RecordBatch]:
        inside = (one for one in messages if one.last_offset >= offsets.start and one.base_offset < offsets.end)
        while some := list(islice(inside, _MESSAGES)):
            yield from _within(legacy_columns(some, self._workspace, offsets.partition, self._wanted, where), offsets)

    def _flush(self, offsets: OffsetRange, where: str) -> Iterator[pa.RecordBatch]:
        fields: Fields | None = None
        try:
            if not self._workspace.records:
                return
            fields = read_fields(self._workspace, self._wanted)
            decoded = arrow_batch(self._workspace, fields, offsets.partition, self._wanted)
        except Malformed as one:
            raise CorruptBatch(f"{where}: {self._place(one, fields)}: {one.problem}") from None
        finally:
            self._workspace.clear()
        yield from _within(decoded, offsets)

    def _place(self, malformed: Malformed, fields: Fields | None) -> str:
        """Say which record it is: by its offset, once offsets are known."""
        counts = self._workspace.counts
        ends = np.cumsum(counts)
        batch = min(int(np.searchsorted(ends, malformed.record, side="right")), len(ends) - 1)
        base, records = int(self._workspace.headers["base_offset"][batch]), int(counts[batch])
        if fields is not None:
            return f"the record at offset {base + int(fields.offset_delta[malformed.record])}"
        index = malformed.record - int(ends[batch]) + records
        return f"record {index} of {records} in the record batch at offset {base}"


def _within(decoded: pa.RecordBatch, offsets: OffsetRange) -> Iterator[pa.RecordBatch]:
    """Yield the part of a batch that lies in the window, if any."""
    first, after = np.searchsorted(decoded.column("offset").to_numpy(), (offsets.start, offsets.end))
    if first < after:
        yield decoded.slice(int(first), int(after - first))
