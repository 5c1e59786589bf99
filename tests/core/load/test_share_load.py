"""A share of a window: what its blocks add up to, in whatever order and however often they were written."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import NoReturn

import pyarrow as pa
import pytest
from core.examples import orders, window_of
from core.world import COLUMNS, SCHEMA, batch_of, resources, uncounted
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.lanes import Lanes
from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import Read, Stages
from airflow_provider_kafka_odps.core.load.layout import lay_out
from airflow_provider_kafka_odps.core.load.shares import share_out
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import FingerprintDiffers, ReadAgain, WorkerFailed

SOON = 20.0
WINDOW = window_of((0, 2))


class _Upload:
    """Takes blocks at its second try, or the first one when the second is written."""

    id = "u1"

    def __init__(self, tries: int = 1, *, backwards: bool = False) -> None:
        self._tries, self._backwards = tries, backwards
        self._last = threading.Event()
        self.written: list[int] = []

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        for _ in range(self._tries):
            with sending.slot():
                list(batches)
        if self._backwards and not number:
            assert self._last.wait(SOON)
        self.written.append(number)
        return 1

    def commit(self, blocks: int) -> None:
        raise AssertionError(f"nobody commits {blocks} blocks here")

    def status(self) -> UploadStatus:
        return UploadStatus.NORMAL

    def check(self) -> None:
        """Never stop."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Tell nobody."""

    def others_done(self) -> bool:
        """Let the first block end once the last one is written; wait for nobody."""
        if self.written:
            self._last.set()
        return True


def _load(read: Read, lanes: int) -> ShareLoad:
    stages = _stages(read, lanes)
    (share,) = share_out(WINDOW, lay_out(WINDOW, 2, {}), 1, stages.projection.origin)
    return ShareLoad(share, stages)


def _stages(read: Read, lanes: int) -> Stages:
    projection = compile_projection(COLUMNS, SCHEMA)
    reading = (lambda: nullcontext(read), projection, lambda *_: None)
    return Stages(*reading, resources(lanes), HandClock(), lambda: None, **uncounted())


def _records(window: Window, evidence: Evidence) -> Generator[pa.RecordBatch]:
    del evidence
    (offsets,) = window.ranges
    yield batch_of(0, dict.fromkeys(range(offsets.start, offsets.end), b"v"))


def test_the_account_is_in_the_order_of_offsets() -> None:
    """A block that was written before the one in front of it is counted behind it: nothing between them is a gap."""
    upload = _Upload(backwards=True)
    result = _load(_records, 2).run(upload, upload)
    assert upload.written == [1, 0]
    assert result.ledger.first_last == {orders(0): (0, 1)}
    counts = result.ledger.prove(lambda: None, OnDataLoss.FAIL)[orders(0)]
    assert (counts.rows, counts.gaps) == (2, 0)


def test_a_share_says_how_fast_it_was() -> None:
    """How many lanes ran at once, for how long, and what they took of processors meanwhile."""
    seconds = iter([100.0, 107.5])
    clock = HandClock()

    class Slow(_Upload):
        def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
            with sending.slot():
                list(batches)
                sending.packed(1.0)
                clock.sleep(4.0)
            return number

    stages = replace(_stages(_records, 0), clock=clock, cpu=lambda: next(seconds))
    (share,) = share_out(WINDOW, lay_out(WINDOW, 2, {}), 1, stages.projection.origin)
    upload = Slow()
    result = ShareLoad(share, stages).run(upload, upload)
    assert result.speed == Speed(lanes=1, elapsed=8.0, cpu=7.5)
    assert {stage: spent for stage, spent in result.seconds.items() if spent} == {"pack": 2.0, "write": 6.0}


class _Shared(_Upload):
    """One of several processes, of which another one loads for a while longer."""

    asked = 0

    def others_done(self) -> bool:
        """Say no until all blocks of this one are written, and once more."""
        self.asked += len(self.written) == 2
        return self.asked > 2


@pytest.mark.parametrize("lanes", [0, 1, 2])
def test_whoever_loads_longer_is_waited_for(lanes: int) -> None:
    """That no lane runs any more is no failure: the load is not done before the last process is."""
    upload = _Shared()
    assert _load(_records, lanes).run(upload, upload).blocks == 2
    assert upload.others_done()


def test_a_second_try_with_other_rejects_fails_the_load() -> None:
    """What was handed on of the first try is not what the log has now, so nothing may be committed."""
    values = iter([b"\xff", b"v"])

    def read(window: Window, evidence: Evidence) -> Generator[pa.RecordBatch]:
        del evidence
        yield batch_of(0, {window.ranges[0].start: next(values)})

    upload = _Upload(tries=2)
    with pytest.raises(ReadAgain, match=r"orders\[0\]@\[0, 1\): read twice"):
        _load(read, 0).run(upload, upload)


def test_a_share_of_other_rows_is_not_begun() -> None:
    """Whoever shared the window out had another mapping: nothing is read or written."""
    edited = compile_projection({**COLUMNS, "v": "__value__ | trim"}, SCHEMA)
    (share,) = share_out(WINDOW, lay_out(WINDOW, 2, {}), 1, edited.origin)
    projection = compile_projection(COLUMNS, SCHEMA)
    stages = Stages(_nobody_reads, projection, _none, resources(), HandClock(), lambda: None, **uncounted())
    upload = _Upload()
    with pytest.raises(FingerprintDiffers, match=r"share 0 of 1, .*the mapping.*Nothing was committed"):
        ShareLoad(share, stages).run(upload, upload)
    assert not upload.written


def _nobody_reads() -> NoReturn:
    raise AssertionError("nothing is to be read")


def _none(*_: object) -> None:
    """Take rejects, of which there are none."""


def test_a_block_that_nobody_has_written_fails_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """However that came about: of a compacted topic its offsets would pass for removed ones."""
    run = Lanes.run
    monkeypatch.setattr(Lanes, "run", lambda lanes, blocks, *rest: run(lanes, blocks[:-1], *rest))
    upload = _Upload()
    with pytest.raises(WorkerFailed, match="1 of 2 blocks are written; nothing was committed"):
        _load(_records, 0).run(upload, upload)
