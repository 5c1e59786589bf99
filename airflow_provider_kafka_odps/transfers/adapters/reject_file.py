"""Rejects in a file on any file system that fsspec knows: Parquet, or JSON lines."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitRejected, InvalidInput, UploadFailed

if TYPE_CHECKING:
    import pyarrow as pa


_UPLOAD = "upload_id"
"""The field of a line, or the key in the metadata of a Parquet file, that says whose rejects these are."""


class Layout(StrEnum):
    """How the file is written, by its suffix."""

    PARQUET = "parquet"
    JSONL = "jsonl"


@dataclass(frozen=True)
class RejectFile:
    """A file that holds the rejects of one load, and replaces the one of an earlier load of the same window.

    :param path: ``/data/rejects.parquet``, ``s3://conn_id@bucket/rejects.jsonl``: Airflow's object storage paths, and
        other addresses as fsspec takes them.
    """

    path: str

    def __post_init__(self) -> None:
        """Refuse a suffix that does not say how to write."""
        if self._suffix not in set(Layout):
            raise InvalidInput(f"rejects_path={self.path!r}: the file's name has to end in .parquet or .jsonl")

    @property
    def _suffix(self) -> str:
        return self.path.rpartition(".")[2].lower()

    @property
    def place(self) -> str:
        """The path."""
        return self.path

    @cached_property
    def _where(self) -> tuple[Any, str]:
        """Return the file system and the path in it; Airflow's connections go before fsspec's own settings."""
        import fsspec
        from airflow.sdk import ObjectStoragePath

        known = ObjectStoragePath(self.path)
        try:
            files = known.fs
        except ValueError:
            # A scheme that no provider of Airflow registers.
            files, path = fsspec.core.url_to_fs(self.path)
            return files, path
        return files, known.path

    def open_upload(self) -> FileUpload:
        """Begin a fresh file; nothing is at the path until its commit."""
        return self.attach_upload(uuid.uuid4().hex)

    def attach_upload(self, upload_id: str) -> FileUpload:
        """Return what an earlier attempt has begun."""
        files, path = self._where
        return FileUpload(files, path, Layout(self._suffix), upload_id)

    def stale(self) -> bool:
        """Tell whether the file is there already."""
        files, path = self._where
        return bool(files.exists(path))


@dataclass(frozen=True, slots=True)
class FileUpload:
    """Parts beside the file, which become the file by one rename."""

    files: Any
    path: str
    layout: Layout
    id: str

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        """Write one part as an Arrow stream; return its bytes.

        Raises UploadFailed with the file system's words.
        """
        del sending
        import pyarrow as pa

        from airflow_provider_kafka_odps.core.accounting.rejects import REJECT_SCHEMA

        try:
            self.files.makedirs(self.path.rpartition("/")[0] or ".", exist_ok=True)
            with (
                self.files.open(self._part(number), "wb") as part,
                pa.ipc.new_stream(part, REJECT_SCHEMA) as writer,
            ):
                size = 0
                for batch in batches:
                    writer.write_batch(batch)
                    size += batch.nbytes
        except OSError as error:
            raise UploadFailed(f"rejects_path={self.path}: part {number} cannot be written: {error}") from error
        return size

    def commit(self, blocks: int) -> None:
        """Make one file of the parts, give it its name, and remove them.

        Raises CommitRejected with the file system's words: the parts are still there then.
        """
        # Two attempts may be at it at once: neither may write into what the other one renames.
        whole = f"{self.path}.{self.id}.{uuid.uuid4().hex}.whole"
        try:
            with self.files.open(whole, "wb") as file:
                batches = (batch for number in range(blocks) for batch in self._batches(number))
                _write(file, self.layout, batches, self.id)
            if self.status() is not UploadStatus.NORMAL:
                raise FileNotFoundError(f"{self._part(0)} is gone: another attempt has committed it")
            self.files.mv(whole, self.path)
        except OSError as error:
            if self.files.exists(whole):
                self.files.rm_file(whole)
            raise CommitRejected(f"rejects_path={self.path}: the file cannot be written: {error}") from error
        for number in range(blocks):
            # The first one first: without it the file counts as committed.
            self.files.rm_file(self._part(number))

    def status(self) -> UploadStatus:
        """Tell by the parts and the file what became of it.

        A file of another upload says nothing of this one, whose parts may have been on another machine's disk.
        """
        if self.files.exists(self._part(0)):
            return UploadStatus.NORMAL
        published = self.files.exists(self.path) and self._published() == self.id
        return UploadStatus.CLOSED if published else UploadStatus.GONE

    def _published(self) -> str | None:
        """Return the id of the upload whose rejects are in the file; None where it does not say it."""
        import pyarrow as pa

        try:
            with self.files.open(self.path, "rb") as file:
                return _upload_of(file, self.layout)
        except (FileNotFoundError, ValueError, pa.ArrowInvalid):
            # Removed meanwhile, or nothing of ours.
            return None

    def _part(self, number: int) -> str:
        return f"{self.path}.{self.id}.{number}"

    def _batches(self, number: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self.files.open(self._part(number), "rb") as part, pa.ipc.open_stream(part) as reader:
            yield from reader


def _lines(batch: pa.RecordBatch, upload_id: str) -> Iterator[bytes | pa.Buffer]:
    """Yield the rows as JSON lines, in pieces: a key or value may fill a large part of the memory."""
    from airflow_provider_kafka_odps.core.accounting.rejects import BASE64

    names = batch.schema.names
    for row in range(batch.num_rows):
        for number, name in enumerate(names):
            yield f"{', ' if number else '{'}{json.dumps(name)}: ".encode()
            found = batch.column(number)[row]
            if name in BASE64 and found.is_valid:
                # No character of base64 means anything in JSON.
                yield from (b'"', found.as_buffer(), b'"')
            else:
                yield json.dumps(found.as_py(), ensure_ascii=False).encode()
        yield f", {json.dumps(_UPLOAD)}: {json.dumps(upload_id)}}}\n".encode()


def _write(file: IO[bytes], layout: Layout, batches: Iterator[pa.RecordBatch], upload_id: str) -> None:
    from pyarrow import parquet

    first = next(batches)
    if layout is Layout.JSONL:
        for batch in chain((first,), batches):
            file.writelines(_lines(batch, upload_id))
        return
    schema = first.schema.with_metadata({_UPLOAD: upload_id})
    with parquet.ParquetWriter(file, schema, use_dictionary=False, write_statistics=False) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _upload_of(file: IO[bytes], layout: Layout) -> str | None:
    """Return what ``_write`` was given; None for a file without a reject, and for one of an earlier release."""
    from pyarrow import parquet

    if layout is Layout.JSONL:
        row = json.loads(file.readline() or "null")
        return row.get(_UPLOAD) if isinstance(row, dict) else None
    metadata = parquet.read_schema(file).metadata or {}
    written = metadata.get(_UPLOAD.encode())
    return None if written is None else written.decode()
