"""The simulated table: what is projected for it, the sessions that write to it, and what everybody sees of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

import pyarrow as pa
from core.world import COLUMNS, SCHEMA
from simulation.outside.filters import WANTED, Keep
from simulation.outside.world import NOWHERE, Conduct, SimulatedWorld
from twins.maxcompute import Row, Sink, Upload
from twins.table_rows import Shown

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import Unreachable, UploadFailed

_COLUMNS = {**COLUMNS, "v": "__value__ | trim"}
"""What is loaded is not what was written."""
_COMPILED = {keep: compile_projection(_COLUMNS, SCHEMA, wanted=wanted) for keep, wanted in WANTED.items()}


_TRIES = 2
"""Of a block, until its load fails."""
_ROWS: dict[int, list[Row]] = {}
"""Of columns that were projected, by their ids."""


class _CachedProjection:
    """The real projection, asked once per batch: batches are never forgotten, so that their ids stay theirs."""

    def __init__(self, *, rejecting: bool, with_offsets: bool, keep: Keep, routed: bool) -> None:
        self._real = _COMPILED[keep]
        self.wanted, self.record_format, self.paths = self._real.wanted, self._real.record_format, self._real.paths
        self.origin = self._real.origin
        # A row's value names its partition.
        self.levels = ("v",) if routed else ()
        self._projected: dict[int, Projected] = {}
        self._rejecting, self._with_offsets = rejecting, with_offsets

    def apply(self, topic: str, batch: pa.RecordBatch) -> Projected:
        if id(batch) not in self._projected:
            projected = self._real.apply(topic, batch)
            if self._rejecting and batch.column("offset")[0].as_py() == 0:
                rejects = (Reject(topic, 0, 0, "v", "it does not fit"),)
                projected = replace(projected, columns=projected.columns.slice(1), rejects=rejects)
            rows = [tuple(row.values()) for row in projected.columns.to_pylist()]
            if not self._with_offsets:
                # The same columns as an object of its own, by which its rows are found.
                projected = replace(projected, columns=projected.columns.slice(0))
                rows = [(NOWHERE, NOWHERE, value) for _, _, value in rows]
            self._projected[id(batch)] = projected
            _ROWS[id(projected.columns)] = rows
        return self._projected[id(batch)]


_PROJECTIONS = {
    (rejecting, with_offsets, keep, routed): cast(
        "Projection", _CachedProjection(rejecting=rejecting, with_offsets=with_offsets, keep=keep, routed=routed)
    )
    for rejecting in (False, True)
    for with_offsets in (False, True)
    for keep in Keep
    for routed in (False, True)
}


def projection_of(*, rejecting: bool, with_offsets: bool, keep: Keep, routed: bool) -> Projection:
    """Return a projection that may reject the first record of a partition, and leave out where records came from."""
    return _PROJECTIONS[rejecting, with_offsets, keep, routed]


@dataclass
class SimulatedUpload(Upload):
    """A handle on one session, of whichever process."""

    conduct: Conduct = field(kw_only=True)

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        for _ in range(_TRIES):
            with sending.slot():
                rows = [row for each in batches for row in _ROWS[id(each)]]
                # A request whose answer is lost may arrive behind the next one.
                with suppress(Unreachable):
                    self.conduct("write a block", partial(self._write, number, rows))
                    return len(rows)
        raise UploadFailed(f"block {number} of upload {self.id}: no answer, {_TRIES} times")


@dataclass
class SimulatedSink(Sink):
    """The world's table."""

    world: SimulatedWorld
    keep: Keep = field(kw_only=True)

    def open_upload(self) -> Upload:
        upload = SimulatedUpload(self.world, super().open_upload().id, opened=True, conduct=self.world.effect)
        self.world.wanted[upload.id] = self.keep
        return upload


class SimulatedShown(Shown):
    """What everybody can see of the world's table."""

    def last_change(self) -> str:
        return self.world.effect("look", super().last_change)


@dataclass
class AllRows:
    """What everybody can see of a table in which partition and offset are no columns."""

    world: SimulatedWorld
    values: Collection[str] | None = None

    def offsets(self, window: Window) -> None:
        del window

    def rows(self) -> int:
        return Shown(self.world, self.values).rows()

    def last_change(self) -> str:
        return SimulatedShown(self.world, self.values).last_change()
