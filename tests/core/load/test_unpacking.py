"""Batches whose values unpack to more than is to be in memory at once are loaded in parts, and whole."""

from __future__ import annotations

import gzip
from collections.abc import Generator, Sequence
from contextlib import nullcontext

import pyarrow as pa
import pytest
from core.examples import orders, window_of
from core.world import SCHEMA, World, batch_of, resources, uncounted
from twins.maxcompute import Sink

from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.shares import ShareResult, share_out
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.functions import packed
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.window import Window

AT_ONCE = 100
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__ | gunzip"}


class _Load:
    """A load of one batch by one process, and what became of it."""

    def __init__(self, values: list[bytes | None], where: str | None = None) -> None:
        self.world = World()
        self.rejects: list[Reject] = []
        self.projection = compile_projection(COLUMNS, SCHEMA, wanted=Wanted(where))
        self._batch = batch_of(0, dict(enumerate(values)))
        stages = Stages(
            *(lambda: nullcontext(self._read), self.projection, self._reject, resources()),
            *(self.world.clock, lambda: None),
            **uncounted(),
        )
        window = window_of((0, len(values)))
        (share,) = share_out(window, (Block(0, window.ranges),), 1, self.projection.origin)
        upload = Sink(self.world, overwrite=False).open_upload()
        self.result: ShareResult = ShareLoad(share, stages).run(upload, self)
        upload.commit(self.result.blocks)

    def _read(self, window: Window, evidence: Evidence) -> Generator[pa.RecordBatch]:
        del window, evidence
        yield self._batch

    def _reject(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        assert [batch.column("offset")[each.row].as_py() for each in rejects] == [each.offset for each in rejects]
        self.rejects += rejects

    def check(self) -> None:
        """Never stop."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Tell nobody."""

    def others_done(self) -> bool:
        """Wait for nobody."""
        return True


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let little be too much, and return how many rows came out at once."""
    found: list[int] = []
    whole = Projection.apply

    def watched(projection: Projection, topic: str, batch: pa.RecordBatch) -> Projected:
        projected = whole(projection, topic, batch)
        found.append(projected.columns.num_rows)
        assert sum(len(each or "") for each in projected.columns.column("v").to_pylist()) <= AT_ONCE
        return projected

    monkeypatch.setattr(packed, "_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(packed, "_LARGEST", 90)
    monkeypatch.setattr(Projection, "apply", watched)
    return found


def texts(*lengths: int) -> list[str]:
    """Return texts that differ, of these lengths."""
    return [f"{number}".ljust(length, "x") for number, length in enumerate(lengths)]


@pytest.mark.parametrize(
    "lengths", [(10,) * 50, (90,) * 20, (1,) * 99 + (90,) * 3, (90, *(1,) * 99), (60, 60), (10, 90), (3, 2, 4)]
)
def test_every_row_is_loaded_once(sizes: list[int], lengths: tuple[int, ...]) -> None:
    """In order, whichever values are large; what fits at once stays in one batch."""
    wanted = texts(*lengths)
    load = _Load([gzip.compress(each.encode()) for each in wanted])
    rows = [row for row in load.world.table if row[2] in wanted]
    assert rows == [(0, offset, each) for offset, each in enumerate(wanted)]
    assert (len(sizes) == 1) is (sum(lengths) <= AT_ONCE)
    assert load.result.ledger.records == sum(sizes) == len(lengths)


def test_the_account_is_that_of_the_whole_batch(sizes: list[int]) -> None:
    """Rejects keep their offsets, what the filter leaves out is counted, and NULL is NULL."""
    values = [gzip.compress(text.encode()) for text in texts(*(40,) * 12)]
    values[3], values[7], values[9] = b"no gzip", None, gzip.compress(b"y" * 91)  # type: ignore[call-overload]
    load = _Load(list(values), where="__offset__ <> 5")
    assert [(each.offset, each.column) for each in load.rejects] == [(3, "v"), (9, "v")]
    assert [each.reason for each in load.rejects][1] == "gunzip: more than the 90 bytes that a field may have"
    counts = load.result.ledger.prove(lambda: None, OnDataLoss.FAIL)[orders(0)]
    assert (counts.rows, counts.rejects, counts.filtered) == (9, 2, 1)
    assert [row[1] for row in load.world.table if row[1] >= 0 and row[0] == 0][-9:] == [0, 1, 2, 4, 6, 7, 8, 10, 11]
    assert len(sizes) > 1


def test_a_condition_unpacks_no_more_either(sizes: list[int]) -> None:
    """Of a batch that the filter has to unpack, parts are taken, too."""
    wanted = texts(*(40,) * 12)
    load = _Load([gzip.compress(each.encode()) for each in wanted], where="__value__ | gunzip LIKE '1%'")
    assert [row[2] for row in load.world.table if row[2] in wanted] == [wanted[1], wanted[10], wanted[11]]
    assert (load.result.ledger.filtered, len(sizes) > 1) == (9, True)
