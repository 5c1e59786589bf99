"""Blocks that were right until something changed them: FUZZ_SECONDS long each, beginning with FUZZ_SEED.

A block is kept whole, and then its rows can be read, or it is refused with an error of the service and leaves nothing.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pytest
from kit.mutation import changed

from airflow_provider_kafka_odps.local.api.services import Services, open_services
from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.catalog.rows import read_rows, stored_schema
from airflow_provider_kafka_odps.local.errors import MalformedError, ServiceError
from airflow_provider_kafka_odps.local.sessions.blocks import BodyFormat
from airflow_provider_kafka_odps.local.sessions.upload import UploadSession
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.wire.encodings import ENCODINGS, pack
from airflow_provider_kafka_odps.local.wire.frames import encode_frames
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder, RecordEncoder
from airflow_provider_kafka_odps.local.wire.varint import write_varint

SECONDS = float(os.environ.get("FUZZ_SECONDS", "5"))
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().getrandbits(32))
COLUMNS = (
    "b BOOLEAN, i TINYINT, k BIGINT, f FLOAT, d DOUBLE, s STRING, c CHAR(3), x BINARY, m DECIMAL(10,2), o DECIMAL, "
    "day DATE, t DATETIME, ts TIMESTAMP, l ARRAY<STRING>, mp MAP<STRING,BIGINT>, st STRUCT<p:BIGINT,q:ARRAY<DOUBLE>>"
)
LARGEST_BLOCK = 64 << 20
ROWS = 4


class Lab:
    """An endpoint without HTTP and a right body of each format."""

    def __init__(self) -> None:
        self.services: Services = open_services(Settings(folder=None, longest_block=LARGEST_BLOCK), lambda: 1 << 40)
        self.services.instances.engine.run(f"CREATE TABLE t ({COLUMNS})", {})
        table = self.services.store.catalog.tables[TableName("demo_project", "default", "t")]
        self.session: UploadSession = self.services.uploads.create(table, (), overwrite=False, owner="me")
        self.columns = table.columns
        batch = self._rows()
        self.messages = [batch.serialize().to_pybytes(), batch.slice(1, 2).serialize().to_pybytes()]
        types = [column.type for column in table.columns]
        self.records = b"".join(RecordEncoder(types).encode(iter([batch])))

    def _rows(self) -> pa.RecordBatch:
        schema = stored_schema(self.columns)
        values: dict[pa.DataType, list[object]] = {}
        for field in schema:
            values.setdefault(field.type, _examples(field.type))
        arrays = [pa.array(values[field.type], field.type) for field in schema]
        return pa.record_batch(arrays, schema=schema)

    def write(self, body: bytes, form: BodyFormat, encoding: str, cut: int) -> None:
        """Write a block in pieces of `cut` bytes, and look at what is there afterwards."""
        before = self.services.store.blobs.names()
        writer = None
        try:
            writer = self.services.uploads.open_block(self.session, 0, form, encoding)
            for at in range(0, len(body), cut):
                writer.feed(body[at : at + cut])
            block = self.services.uploads.keep_block(self.session, 0, writer, None)
        except (MalformedError, ServiceError):
            if writer is not None:
                writer.discard()
            assert self.services.store.blobs.names() == before, "a refused block left a file"
            return
        rows = read_rows(self.services.store.blobs, (block.blob,), self.columns)
        rows.validate()
        # A STRING is kept whatever its encoding, also inside lists.
        for column in rows.drop_columns(["s", "l", "mp"]).columns:
            column.validate(full=True)
        assert rows.num_rows == block.blob.rows
        assert len(self.services.store.blobs.names()) <= 1, "a replaced block left its file"


def _examples(kind: pa.DataType) -> list[object]:
    """Return four values of a type, NULL among them."""
    if pa.types.is_map(kind):
        return [[("a", 1)], None, [], [("b", None), ("c", -1)]]
    if pa.types.is_struct(kind):
        return [{"p": 1, "q": [1.5, None]}, None, {"p": None, "q": None}, {"p": 2, "q": []}]
    if pa.types.is_list(kind):
        return [["a", None], None, [], ["long" * 50]]
    if pa.types.is_boolean(kind):
        return [True, None, False, True]
    if pa.types.is_string(kind):
        return ["abc", None, "", "é"]
    if pa.types.is_binary(kind):
        return [b"\xff\x00", None, b"", bytes(300)]
    return pa.array([1, None, 0, 99], pa.int64()).cast(kind).to_pylist() if _counts(kind) else [1, None, 0, 99]


def _counts(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind) and not pa.types.is_date32(kind))


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Return the endpoint."""
    return Lab()


def record_body(lab: Lab, dice: random.Random) -> bytes:
    """Return a changed record body, mostly with checksums that are right again, so that what is inside is looked at."""
    body = changed(dice, lab.records)
    return fixed(lab, body) if dice.random() < 0.8 else body


def fixed(lab: Lab, body: bytes) -> bytes:
    """Put the checksums that the decoder misses into a record body, one after the other."""
    columns = [(column.stored_name, column.type) for column in lab.columns]
    for _ in range(2 * ROWS):
        decoder = RecordDecoder(columns, lambda _: None)
        try:
            decoder.feed(body)
            decoder.close()
        except MalformedError as reason:
            wrong = re.search(r"is (\d+), .* have (\d+)", reason.message)
            if wrong is None:
                break
            claimed, right = (write_varint(int(number)) for number in wrong.groups())
            body = body.replace(claimed, right, 1)
        else:
            break
    return body


def arrow_body(lab: Lab, dice: random.Random) -> bytes:
    """Return an Arrow body that was changed inside its frames, so that every checksum is right, or outside."""
    messages = list(lab.messages)
    inside = dice.random() < 0.8
    if inside:
        at = dice.randrange(len(messages))
        messages[at] = changed(dice, messages[at])
    body = b"".join(encode_frames(iter(messages)))
    return body if inside else changed(dice, body)


def fuzz(lab: Lab, body_of: Callable[[Lab, random.Random], bytes], form: BodyFormat) -> None:
    """Write changed bodies until the time is over; each has a seed of its own, which a failure tells."""
    end = time.monotonic() + SECONDS
    seed = SEED
    while time.monotonic() < end or seed == SEED:
        dice = random.Random(seed)
        encoding = dice.choice(["", "", "", *ENCODINGS])
        body = b"".join(pack(encoding, iter([body_of(lab, dice)])))
        if encoding and dice.random() < 0.5:
            body = changed(dice, body)
        try:
            lab.write(body, form, encoding, dice.choice([1 << 20, 1000, 7]))
        except BaseException as error:
            error.add_note(f"FUZZ_SEED={seed} repeats it at once; encoding {encoding!r}, {len(body)} bytes")
            raise
        seed += 1
    print(f"{seed - SEED} bodies, FUZZ_SEED={SEED}")  # noqa: T201 - how much was tried is the result


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(partial(fuzz, body_of=record_body, form=BodyFormat.RECORDS), id="records"),
        pytest.param(partial(fuzz, body_of=arrow_body, form=BodyFormat.ARROW), id="arrow"),
    ],
)
def test_a_changed_block_is_kept_whole_or_leaves_nothing(lab: Lab, run: Callable[[Lab], None]) -> None:
    """Whatever is changed in a body, what is kept can be read, and what is refused leaves no file."""
    run(lab)
