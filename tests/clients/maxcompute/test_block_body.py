"""The rows of one block while they are sent: how long they may take, their own errors, and tries that failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import crc32c
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.scripted_hook import PATIENCE
from kit.scripted_service import DROP, Reply, ScriptedService
from pytest_mock import MockerFixture
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.blocks.arrow import framed, unframed
from airflow_provider_kafka_odps.clients.maxcompute.blocks.body import BlockBody, RowsFailed
from airflow_provider_kafka_odps.clients.maxcompute.blocks.records import record_body
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier
from airflow_provider_kafka_odps.clients.maxcompute.tunnel import Tunnel
from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.upload import AT_ONCE, SentAtOnce
from airflow_provider_kafka_odps.exceptions import NoProgress, Unreachable, UploadFailed

BATCH = pa.record_batch({"a": pa.array(range(100_000), pa.int64())})
"""Larger than what is sent at once, so that its rows are left in the middle."""
ERRORS = pytest.mark.parametrize(
    "error", [NoProgress("nothing comes"), Unreachable("no broker"), ConnectionError("away"), TimeoutError("late")]
)


class Rows:
    """Rows that are read when they are asked for; they may take their time, or fail."""

    def __init__(
        self, clock: HandClock, seconds: float = 0.0, error: Exception | None = None, batches: int = 2
    ) -> None:
        self._clock, self._seconds, self._error, self._batches = clock, seconds, error, batches
        self.asked = self.open = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches."""
        self.asked += 1
        self.open += 1
        try:
            for _ in range(self._batches):
                self._clock.sleep(self._seconds)
                if self._error is not None:
                    raise self._error
                yield BATCH
        finally:
            self.open -= 1


def _body(rows: Rows, clock: HandClock) -> BlockBody:
    schema = TableSchema(columns_of({"a": "bigint"}))
    return BlockBody(rows, lambda _: None, schema, Retrier(PATIENCE, clock), Compression.NONE, AT_ONCE)


def test_rows_may_take_their_time(service: ScriptedService, upload: OdpsUpload, clock: HandClock) -> None:
    """The deadline is one of sending: a broker that is slow has a deadline of its own."""
    service.replies = [Reply(200)]
    rows = Rows(clock, seconds=2 * PATIENCE.total)
    assert upload.write_block(0, rows) == len(service.seen[-1].body)
    assert clock.seconds >= 4 * PATIENCE.total


def test_a_try_leaves_the_rows_of_the_one_before(clock: HandClock) -> None:
    """A read that nobody asks any more is ended before the next one begins: both have one consumer."""
    rows = Rows(clock)
    body = _body(rows, clock)
    first = iter(body)
    next(first)
    assert rows.open
    second = iter(body)
    assert (rows.asked, rows.open) == (1, 0)
    assert sum(map(len, second)) == body.bytes
    assert (rows.asked, rows.open) == (2, 0)


@ERRORS
def test_rows_that_fail_are_not_asked_for_again(error: Exception, clock: HandClock) -> None:
    """Whatever they raise: another try of the body raises it again, and reads nothing."""
    rows = Rows(clock, error=error)
    body = _body(rows, clock)
    for _ in range(2):
        with pytest.raises(RowsFailed) as raised:
            list(body)
        assert raised.value.__cause__ is error is body.failure
    assert rows.asked == 1


@ERRORS
def test_what_the_rows_raise_is_what_the_write_raises(
    service: ScriptedService, upload: OdpsUpload, clock: HandClock, error: Exception
) -> None:
    """An error of the broker is not one of the service, though it comes up in the middle of a request."""
    service.replies = [Reply(200)]
    rows = Rows(clock, error=error)
    with pytest.raises(type(error)) as raised:
        upload.write_block(0, rows)
    assert raised.value is error
    assert rows.asked == 1
    # Without a pause, as there would be before another try.
    assert clock.seconds == 0


def test_a_block_that_is_refused_leaves_its_rows(upload: OdpsUpload, clock: HandClock, mocker: MockerFixture) -> None:
    """Who reads them is not left waiting to be asked for more."""
    rows = Rows(clock)
    kept: list[Iterator[bytes]] = []

    def refuse(*args: object, **_: object) -> None:
        body = args[3]
        assert isinstance(body, BlockBody)
        kept.append(iter(body))
        next(kept[0])
        assert rows.open
        raise UploadFailed("no")

    mocker.patch.object(Tunnel, "put_block", refuse)
    with pytest.raises(UploadFailed):
        upload.write_block(0, rows)
    assert (rows.asked, rows.open) == (1, 0)


def test_a_dropped_connection_reads_the_rows_again(
    service: ScriptedService, upload: OdpsUpload, clock: HandClock
) -> None:
    """Nothing of them was kept: a second try asks for them from the first on, however long the first one took."""
    service.replies = [DROP, Reply(200)]
    rows = Rows(clock, seconds=PATIENCE.total)
    upload.write_block(0, rows)
    assert (rows.asked, rows.open) == (2, 0)
    assert len({seen.body for seen in service.seen}) == 1


def test_an_answer_before_the_last_row_was_sent_is_none(
    service: ScriptedService, upload: OdpsUpload, clock: HandClock
) -> None:
    """HTTP clients take an answer to a request that they could not send: rows would be missing, and nobody told."""
    service.replies = [Reply(200, early=True), Reply(200)]
    # More than the buffers of a connection hold.
    rows = Rows(clock, batches=40)
    size = upload.write_block(0, rows)
    assert (rows.asked, rows.open) == (2, 0)
    assert [len(seen.body) for seen in service.seen] == [0, size]
    assert size > 40 * BATCH.nbytes


class Packing(SentAtOnce):
    """Adds up how long bytes took to make."""

    seconds = 0.0

    def packed(self, seconds: float) -> None:
        """Add."""
        self.seconds += seconds


@pytest.mark.parametrize("compression", Compression)
def test_making_bytes_is_told_apart_from_waiting_for_rows(compression: Compression, mocker: MockerFixture) -> None:
    """And from sending: what passes while the body is not asked for anything does not count."""
    clock, packing = HandClock(), Packing()
    crc = crc32c.crc32c

    def takes_long(*arguments: Any) -> int:
        clock.seconds += 1.0
        return int(crc(*arguments))

    mocker.patch("crc32c.crc32c", takes_long)
    schema = TableSchema(columns_of({"a": "bigint"}))
    rows = Rows(clock, seconds=100.0)
    patient = Retrier(replace(PATIENCE, total=1e6), clock)
    body = BlockBody(rows, lambda _: None, schema, patient, compression, packing)
    spent = 0.0
    for _ in body:
        clock.sleep(1_000.0)
        spent += 1_000.0
    assert packing.seconds == clock.seconds - spent - body.waited() > 0


@given(edges=st.lists(st.integers(0, 300), max_size=6))
def test_where_batches_end_does_not_matter(edges: list[int]) -> None:
    """Of the same rows a record block is the same bytes, however they were read; an Arrow block is the same rows.

    The messages of its body are the reader's batches, so its bytes depend on where these end.
    """
    rows = pa.record_batch({"a": pa.array(range(300), pa.int64()), "b": pa.array(["x" * (n % 7) for n in range(300)])})
    parts = [rows.slice(start, end - start) for start, end in pairwise(sorted({0, 300, *edges}))]
    kinds = [OdpsType.parse("bigint"), OdpsType.parse("string")]
    assert b"".join(record_body(parts, kinds)) == b"".join(record_body([rows], kinds))
    stream = pa.py_buffer(unframed(b"".join(framed(parts))))
    reader, found = pa.BufferReader(stream), []
    while reader.tell() < reader.size():
        found.append(pa.ipc.read_record_batch(pa.ipc.read_message(reader), rows.schema))
    assert pa.Table.from_batches(found) == pa.Table.from_batches([rows])
    assert b"".join(framed([rows])) == b"".join(framed([rows.slice(0)]))
