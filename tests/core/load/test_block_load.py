"""One block: what a try that failed leaves behind, and pieces of rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext

import pyarrow as pa
import pytest
from core.examples import orders, window_of
from core.load.test_gate import is_free
from core.world import batch_of, resources, uncounted
from hypothesis import given
from hypothesis import strategies as st
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.block_load import PIECE_BYTES, BlockLoad, BlockSending, pieces
from airflow_provider_kafka_odps.core.load.lanes.stage_times import StageTimes
from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.pacing.gate import Gate
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.pacing.slots import Slots
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import ReadAgain

WINDOW = window_of((0, 20))
BLOCK = Block(3, (OffsetRange("orders", 0, 4, 12),))


class Reading:
    """A log of records that may change between two reads; it knows whether it was left."""

    def __init__(self) -> None:
        self.values: dict[int, bytes] = {offset: b"1" if offset % 2 else b"x" for offset in range(20)}
        self.open = 0
        self.taken: list[Reject] = []
        self.sent = [0, 0, 0]
        self.gate = Gate(1)
        self.free = list[bool]()
        """Whether another lane could compute, whenever the broker was waited for."""
        self.passed_last: PassedOver | None = None
        self.while_taken: Callable[[], None] = lambda: None
        """Called when rejects are taken."""

    def read(self, window: Window, evidence: Evidence) -> Generator[pa.RecordBatch]:
        """Yield two records at a time, and pass over offset 8."""
        self.open += 1
        try:
            (offsets,) = window.ranges
            for first in range(offsets.start, offsets.end, 2):
                with evidence.waiting():
                    self.free.append(is_free(self.gate))
                if first == 8:
                    evidence.pass_over(PassedOver(OffsetRange("orders", 0, 8, 9), GapKind.CONTROL))
                there = {
                    at: self.values[at]
                    for at in (first, first + 1)
                    if at < offsets.end and at != 8 and at in self.values
                }
                yield batch_of(0, there)
            if self.passed_last is not None:
                evidence.pass_over(self.passed_last)
        finally:
            self.open -= 1

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Take rejects, each of which names a row of its batch."""
        self.while_taken()
        for each in rejects:
            assert batch.column("offset")[each.row].as_py() == each.offset
        self.taken += rejects

    def send(self, rows: int, size: int, passed: int) -> None:
        """Count what is said to be done."""
        for at, more in enumerate((rows, size, passed)):
            self.sent[at] += more

    def load(self, rate: int | None = None) -> BlockLoad:
        """Return the load of a block into a table of which every other record is a reject."""
        schema, texts = TableSchema(columns_of({"o": "bigint", "n": "bigint"})), RecordFormat(value=Format.STRING)
        stages = Stages(
            open_reader=lambda: nullcontext(self.read),
            projection=compile_projection({"o": "__offset__", "n": "__value__"}, schema, texts),
            take_rejects=self.take,
            resources=resources(max_bytes_per_second=rate),
            clock=HandClock(),
            stop=lambda: None,
            **uncounted(),
        )
        turn = self.gate.turn(lambda: None)
        return BlockLoad(BLOCK, WINDOW, self.read, stages, turn, lambda: None, self.send)


def offsets(batches: Sequence[pa.RecordBatch]) -> list[int]:
    """Return the offsets of rows."""
    return [offset for batch in batches for offset in batch.column("o").to_pylist()]


@given(broken=st.lists(st.integers(0, 4), max_size=3))
def test_only_the_last_try_counts(broken: list[int]) -> None:
    """However far earlier ones came: its rows, its account and its progress are those of a single one."""
    reading = Reading()
    loading = reading.load()
    for batches in broken:
        rows = iter(loading)
        for _ in range(batches):
            next(rows, None)
        rows.close()  # type: ignore[attr-defined]  # a generator, as whoever writes it finds out
        assert reading.open == 0
    assert offsets(list(loading)) == [5, 7, 9, 11]
    loading.check_tries()
    assert (loading.ledger.records, loading.ledger.rejects, loading.ledger.ahead) == (7, 3, [])
    assert [each.offset for each in reading.taken] == [4, 6, 10]
    assert (reading.sent[0], reading.sent[2]) == (4, 8)
    counts = loading.ledger.prove(lambda: None, OnDataLoss.FAIL)[orders(0)]
    assert counts == Counts(rows=4, rejects=3, gaps=1, control=1)


def test_what_is_passed_over_behind_the_last_record_counts() -> None:
    """A read that ends may tell of something at its end, and nobody asks it for more."""
    reading = Reading()
    reading.passed_last = PassedOver(OffsetRange("orders", 0, 11, 12), GapKind.ABORTED)
    del reading.values[11]
    loading = reading.load()
    list(loading)
    counts = loading.ledger.prove(lambda: None, OnDataLoss.FAIL)[orders(0)]
    assert counts == Counts(rows=3, rejects=3, gaps=2, control=1, aborted=1)


def test_a_log_that_has_other_rejects_at_the_second_try_is_read_again_by_the_next_attempt() -> None:
    """Those of the first try are handed on already, so they would be kept for records that are rows."""
    reading = Reading()
    loading = reading.load()
    rows = iter(loading)
    next(rows)
    reading.values[4] = b"4"
    list(loading)
    with pytest.raises(ReadAgain, match=r"orders\[0\]@\[4, 12\): read twice, .* 3 records .*, and then 2: the log has"):
        loading.check_tries()


def test_a_log_that_has_fewer_records_at_the_second_try_is_read_again_by_the_next_attempt() -> None:
    """A request whose answer was lost may be written behind the second one, with rows that nobody has counted."""
    reading = Reading()
    loading = reading.load()
    list(loading)
    del reading.values[5]
    list(loading)
    with pytest.raises(ReadAgain, match=r"orders\[0\]@\[4, 12\): read twice, .* 7 records, and then 6: the log has"):
        loading.check_tries()


def test_a_log_that_has_changed_since_a_try_that_was_broken_off_is_loaded() -> None:
    """Nobody takes half a block: what the log has at the second try is what is written."""
    reading = Reading()
    loading = reading.load()
    rows = iter(loading)
    next(rows)
    del reading.values[5]
    assert offsets(list(loading)) == [7, 9, 11]
    loading.check_tries()


def test_seconds_are_those_of_all_tries() -> None:
    """What a block took is told by stage; waiting for the pace that the user has set is a stage of its own."""
    assert set(_seconds(None)) == {"queue", "wait", "decode", "project"}
    assert set(_seconds(1_000)) == {"queue", "wait", "decode", "project", "throttle"}


def test_a_lane_computes_alone_and_waits_without_a_place() -> None:
    """For the broker, and for whoever takes its rows; after its last row, an error, or when it is left early."""
    reading = Reading()
    rows = iter(reading.load())
    for _ in rows:
        assert is_free(reading.gate)
    assert reading.free == [True] * 4
    assert is_free(reading.gate)
    held = list[bool]()
    reading.while_taken = lambda: held.append(is_free(reading.gate))
    list(reading.load())
    assert held == [False] * 4


def test_a_lane_that_fails_keeps_no_place() -> None:
    """Others may still end their blocks."""
    reading = Reading()

    def fail() -> None:
        raise ZeroDivisionError

    reading.while_taken = fail
    with pytest.raises(ZeroDivisionError):
        list(reading.load())
    assert is_free(reading.gate)


def _seconds(rate: int | None) -> dict[str, float]:
    loading = Reading().load(rate)
    list(loading)
    return loading.seconds()


def test_what_passes_beside_the_rows_is_told_by_what_it_was() -> None:
    """Making bytes is one stage; waiting for a slot, and what passes between two tries, is another."""
    loading, clock = Reading().load(), HandClock()
    sending = BlockSending(Slots(1, Refusals(lambda _: None), lambda: None, clock), seconds := StageTimes(clock), clock)
    with sending.slot():
        sending.packed(0.5)
        clock.sleep(2.0)
    assert dict(seconds.spent()) == {"pack": 0.5}
    clock.sleep(3.0)
    with sending.slot():
        sending.packed(0.25)
    assert dict(seconds.spent()) == {"pack": 0.75, "pause": 3.0}
    with loading.sending(Slots(1, Refusals(lambda _: None), lambda: None, clock)).slot():
        loading.sending(Slots(1, Refusals(lambda _: None), lambda: None, clock)).packed(1.0)
    assert loading.seconds() == {"pack": 1.0}


@given(rows=st.integers(0, 50), size=st.sampled_from([0, 10, PIECE_BYTES // 3, PIECE_BYTES, 2 * PIECE_BYTES]))
def test_pieces_are_small_and_all_of_the_rows(rows: int, size: int) -> None:
    """A piece is about as large as one may be, or one row; rows keep their order."""
    columns = pa.record_batch({"n": list(range(rows)), "v": pa.array(["x" * size] * min(rows, 5) + [""] * (rows - 5))})
    found = list(pieces(columns))
    assert [row for piece in found for row in piece.column("n").to_pylist()] == list(range(rows))
    assert all(piece.num_rows for piece in found)
    assert sum(each.nbytes for each in found) <= columns.nbytes + 100 * len(found)
