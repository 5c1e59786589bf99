"""Rejects that wait for the end of the load: in a temporary file, which has no name and ends with its process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.exceptions import UploadFailed

if TYPE_CHECKING:
    import pyarrow as pa


class TemporaryRejects:
    """A file of rejects in the folder for temporary files; it is read by numbers once all of them are written."""

    def __init__(self) -> None:
        """Open it. Raises UploadFailed where there is no folder that can be written to."""
        import pyarrow as pa

        from airflow_provider_kafka_odps.core.accounting.rejects import REJECT_SCHEMA

        with _told():
            self._file = tempfile.TemporaryFile(prefix="kafka-odps-rejects-")  # noqa: SIM115 - closed by `close`
        # Keys and values are base64: a quarter of it is air.
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(self._file, REJECT_SCHEMA, options=options)
        self._reader: pa.ipc.RecordBatchFileReader | None = None

    def put(self, rows: pa.RecordBatch) -> None:
        """Write some of them behind those that are there. Raises UploadFailed with the file system's words."""
        with _told():
            self._writer.write_batch(rows)

    def get(self, number: int) -> pa.RecordBatch:
        """Return what was written so many times later than the first."""
        import pyarrow as pa

        with _told():
            if self._reader is None:
                self._writer.close()
                self._reader = pa.ipc.open_file(self._file)
            return self._reader.get_batch(number)

    def close(self) -> None:
        """Give the room back."""
        self._file.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UploadFailed(
            f"rejects that are more than fit into the memory wait in a temporary file in {tempfile.gettempdir()!r} "
            f"until all records were read, and it cannot be written: {error}. Nothing was committed. Make room there, "
            "or name another folder in TMPDIR"
        ) from error
