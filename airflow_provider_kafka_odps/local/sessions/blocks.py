"""Receiving one block into a file: unpacked, checked, and published only when it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, assert_never

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.blobs import BlobStore, stream_end
from airflow_provider_kafka_odps.local.catalog.model import Blob
from airflow_provider_kafka_odps.local.catalog.rows import count_checked_rows, stored_schema
from airflow_provider_kafka_odps.local.errors import DiskError, MalformedError
from airflow_provider_kafka_odps.local.sessions.upload import UploadSession
from airflow_provider_kafka_odps.local.wire.arrays import wide_timestamps
from airflow_provider_kafka_odps.local.wire.encodings import unpacker
from airflow_provider_kafka_odps.local.wire.frames import FrameDecoder
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder
from airflow_provider_kafka_odps.local.wire.value_reader import LONGEST_VALUE


class BodyFormat(Enum):
    """How the rows of a body are written."""

    RECORDS = "records"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class BlockSizes:
    """How large things may be, in bytes: a block when it is unpacked, and a value, where that is limited."""

    block: int
    value: int | None = None


class _Decoder(Protocol):
    def feed(self, piece: bytes) -> None: ...

    def close(self) -> None: ...


class BlockWriter:
    """Takes a block's body in pieces; `finish` returns the file, `discard` leaves nothing."""

    def __init__(
        self, blobs: BlobStore, name: str, session: UploadSession, body: BodyFormat, encoding: str, sizes: BlockSizes
    ) -> None:
        """Write the block of `session` under `name`, no larger than `sizes`."""
        self._blobs = blobs
        self._name = name
        self._columns = session.columns
        self._sizes = sizes
        self._size = 0
        # The encoding is looked at first: a refused one must not leave an open file.
        self._unpack = unpacker(encoding, self._unpacked)
        self._writer = blobs.create(name)
        schema = stored_schema(session.columns, wide=body is BodyFormat.RECORDS)
        try:
            self._writer.write(schema.serialize().to_pybytes())
        except DiskError:
            self._writer.discard()
            raise
        self._decoder: _Decoder
        match body:
            case BodyFormat.ARROW:
                self._decoder = FrameDecoder(self._writer.write)
            case BodyFormat.RECORDS:
                columns = [(column.stored_name, column.type) for column in session.columns]
                self._decoder = RecordDecoder(columns, self._write_batch, sizes.value or LONGEST_VALUE)
            case _:
                assert_never(body)

    def _unpacked(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._sizes.block:
            raise MalformedError(
                f"the block has more than {self._sizes.block} bytes when it is unpacked; write several smaller ones",
                "MaxMessageLengthExceeded",
            )
        self._decoder.feed(piece)

    def _write_batch(self, batch: pa.RecordBatch) -> None:
        # A file has one schema, whatever comes in its later batches.
        wide = wide_timestamps(batch, [column.type for column in self._columns])
        self._writer.write(wide.serialize().to_pybytes())

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body.

        Raises MalformedError.
        """
        self._unpack.feed(piece)

    def finish(self) -> Blob:
        """End the body, which is whole: check what was written, publish it and return it.

        Raises MalformedError; then nothing is kept.
        """
        self._unpack.close()
        self._decoder.close()
        self._writer.write(stream_end())
        size = self._writer.publish()
        try:
            rows = count_checked_rows(self._blobs.read(self._name), self._columns, self._sizes.value)
            return Blob(self._name, rows, size)
        except BaseException:
            self._blobs.delete(self._name)
            raise

    def discard(self) -> None:
        """Remove what was written; harmless after `finish`."""
        self._writer.discard()
