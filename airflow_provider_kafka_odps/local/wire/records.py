"""Record bodies of blocks and downloads: fields by number, a checksum per record and one of all checksums."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire import value_reader, varint
from airflow_provider_kafka_odps.local.wire.arrays import build_array, raw_values
from airflow_provider_kafka_odps.local.wire.checksum import crc32c, extend
from airflow_provider_kafka_odps.local.wire.types import ColumnType, arrow_type
from airflow_provider_kafka_odps.local.wire.value_writer import writer
from airflow_provider_kafka_odps.local.wire.varint import read_varint, tag, unzigzag, write_varint, zigzag

_UINT32 = struct.Struct("<I")


_ROWS_PER_BATCH = 8192


_BYTES_PER_BATCH = 16 << 20


def record_schema(columns: Sequence[tuple[str, ColumnType]]) -> pa.Schema:
    """Return the Arrow schema of named columns, in order."""
    return pa.schema([pa.field(name, arrow_type(column)) for name, column in columns])


class RecordDecoder:
    """Takes a record body in pieces of any size and returns Arrow batches; holds one record and one batch at most."""

    def __init__(
        self,
        columns: Sequence[tuple[str, ColumnType]],
        out: Callable[[pa.RecordBatch], None],
        longest: int = value_reader.LONGEST_VALUE,
    ) -> None:
        """Pass the records of these columns to `out`; a text of more than `longest` bytes is refused."""
        self._columns = columns
        self._out = out
        self._fields = {
            number << 3 | value_reader.wire_type(column): (
                number - 1,
                _UINT32.pack(number),
                value_reader.reader(column, longest),
            )
            for number, (_, column) in enumerate(columns, 1)
        }
        self._pending = b""
        self._wanted = 0
        self._rows: list[list[Any]] = []
        self._bytes = 0
        self._crcs: list[bytes] = []
        self._crc_of_crcs = 0
        self._counted: int | None = None
        self._ended = False
        self.rows = 0

    def feed(self, piece: bytes) -> None:
        """Decode what is complete.

        Raises MalformedError.
        """
        body = self._pending + piece if self._pending else piece
        at = 0
        if len(body) >= self._wanted:
            at = self._decode(body)
            # A big record is only tried again when twice as much is there: no quadratic time.
            self._wanted = 2 * (len(body) - at)
        self._pending = body[at:]

    def _decode(self, body: bytes) -> int:
        at = 0
        try:
            while at < len(body):
                at = self._trailer(body, at) if self._counted is not None else self._record(body, at)
        except IndexError:
            pass
        return at

    def _record(self, body: bytes, at: int) -> int:
        start = at
        row: list[Any] = [None] * len(self._columns)
        covered: list[bytes] = []
        while True:
            key, at = read_varint(body, at)
            field = self._fields.get(key)
            if field is None:
                break
            slot, number, read = field
            row[slot], at, piece = read(body, at)
            covered += (number, piece)
        if key == varint.END_OF_RECORD << 3:
            crc, at = read_varint(body, at)
            self._keep(row, crc & 0xFFFFFFFF, b"".join(covered), at - start)
            return at
        if key == varint.RECORD_COUNT << 3 and not covered:
            counted, at = read_varint(body, at)
            self._counted = unzigzag(counted)
            return at
        raise MalformedError(f"record {self.rows}: field {key >> 3} with wire type {key & 7} is not in the schema")

    def _keep(self, row: list[Any], claimed: int, covered: bytes, size: int) -> None:
        crc = crc32c(covered)
        if crc != claimed:
            raise MalformedError(
                f"record {self.rows}: its checksum is {claimed}, its bytes have {crc}", "CorruptedDataStream"
            )
        self._crcs.append(_UINT32.pack(crc))
        self._rows.append(row)
        self.rows += 1
        self._bytes += size
        if len(self._rows) == _ROWS_PER_BATCH or self._bytes > _BYTES_PER_BATCH:
            self._flush()

    def _trailer(self, body: bytes, at: int) -> int:
        key, after = read_varint(body, at)
        if self._ended or key != varint.BODY_CHECKSUM << 3:
            raise MalformedError(f"{len(body) - at} bytes follow the end of the records")
        claimed, after = read_varint(body, after)
        self._flush()
        if self._counted != self.rows:
            raise MalformedError(
                f"the body counts {self._counted} records and holds {self.rows}", "CorruptedDataStream"
            )
        if claimed & 0xFFFFFFFF != self._crc_of_crcs:
            raise MalformedError(
                f"the checksum of the body is {claimed}, its records have {self._crc_of_crcs}", "CorruptedDataStream"
            )
        self._ended = True
        return after

    def _flush(self) -> None:
        self._crc_of_crcs = extend(self._crc_of_crcs, b"".join(self._crcs))
        if self._rows:
            values = zip(*self._rows, strict=True)
            arrays = [build_array(list(v), c) for v, (_, c) in zip(values, self._columns, strict=True)]
            self._out(pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in self._columns]))
        self._crcs, self._rows, self._bytes = [], [], 0

    def close(self) -> None:
        """End the body: nothing follows.

        Raises MalformedError when the trailer is missing.
        """
        self._wanted = 0
        self.feed(b"")
        if not self._ended or self._pending:
            raise MalformedError(f"the body ends inside record {self.rows} or before its trailer", "IncompleteBody")


class RecordEncoder:
    """Writes Arrow batches as a record body; fields are numbered by position in the batches."""

    def __init__(self, columns: Sequence[ColumnType], metrics: bytes = b"") -> None:
        """Write these columns; `metrics`, a JSON text, goes into the trailer when there is one."""
        self._columns = columns
        self._writers = [
            (tag(number, value_reader.wire_type(column)), _UINT32.pack(number), writer(column))
            for number, column in enumerate(columns, 1)
        ]
        self._end = tag(varint.END_OF_RECORD, varint.VARINT)
        self._metrics = metrics

    def encode(self, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
        """Yield the body in pieces, the trailer last."""
        count = crc_of_crcs = 0
        for batch in batches:
            columns = [raw_values(array, column) for array, column in zip(batch.columns, self._columns, strict=True)]
            pieces: list[bytes] = []
            crcs: list[bytes] = []
            for row in zip(*columns, strict=True):
                covered: list[bytes] = []
                for value, (head, number, write) in zip(row, self._writers, strict=True):
                    if value is not None:
                        wire, checked = write(value)
                        pieces += (head, wire)
                        covered += (number, checked)
                crc = crc32c(b"".join(covered))
                crcs.append(_UINT32.pack(crc))
                pieces += (self._end, write_varint(crc))
            count += len(crcs)
            crc_of_crcs = extend(crc_of_crcs, b"".join(crcs))
            yield b"".join(pieces)
        yield self._trailer(count, crc_of_crcs)

    def _trailer(self, count: int, crc_of_crcs: int) -> bytes:
        trailer = tag(varint.RECORD_COUNT, varint.VARINT) + write_varint(zigzag(count))
        if self._metrics:
            trailer += tag(varint.METRICS, varint.BYTES) + write_varint(len(self._metrics)) + self._metrics
            crc = crc32c(_UINT32.pack(varint.METRICS) + self._metrics)
            trailer += tag(varint.METRICS_CHECKSUM, varint.VARINT) + write_varint(crc)
        return trailer + tag(varint.BODY_CHECKSUM, varint.VARINT) + write_varint(crc_of_crcs)
