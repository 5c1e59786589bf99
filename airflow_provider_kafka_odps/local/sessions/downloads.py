"""Download sessions: a snapshot of one partition or of one query's rows, read in ranges."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

from airflow_provider_kafka_odps.local.catalog.documents import Documents
from airflow_provider_kafka_odps.local.catalog.manifest import dump_column, load_column
from airflow_provider_kafka_odps.local.catalog.model import Blob, Column, Spec, Table, TableName
from airflow_provider_kafka_odps.local.catalog.rows import RowRange
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import DiskError, ServiceError
from airflow_provider_kafka_odps.local.sessions.uploads import DAY, require_partition

_log = logging.getLogger(__name__)


MOST_SESSIONS = 2000


MOST_BYTES = 4 << 30
"""What sessions alone may hold of files that no table has any more."""


@dataclass(frozen=True, slots=True)
class DownloadSession:
    """The rows of some files as they were; `owner` is the table, or the instance's id.

    `expires` is in seconds since the epoch.
    """

    download_id: str
    owner: TableName | str
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    blobs: tuple[Blob, ...]
    expires: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(blob.rows for blob in self.blobs)


class Downloads:
    """The open download sessions; their files are kept until they expire. `now` returns milliseconds since the epoch.

    Clients never close one. The least recently used ones end early when there are too many, or when they keep too many
    bytes that were deleted or replaced meanwhile.
    """

    def __init__(
        self,
        store: Store,
        documents: Documents,
        now: Callable[[], int],
        life: int = DAY,
        *,
        most_sessions: int = MOST_SESSIONS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Continue with the kept sessions; new ones live `life` seconds."""
        self._most_sessions = most_sessions
        self._most_bytes = most_bytes
        self._store = store
        self._documents = documents
        self._now = now
        self._life = life
        self._lock = Lock()
        self._sessions: dict[str, DownloadSession] = {}
        present = store.blobs.names()
        for session in documents.load(_load):
            if all(blob.name in present for blob in session.blobs):
                store.pin(blob.name for blob in session.blobs)
                self._sessions[session.download_id] = session
            else:
                documents.forget(session.download_id)
        self._expire(now() // 1000)

    def open_table(self, table: Table, spec: Spec) -> DownloadSession:
        """Take a snapshot of a partition.

        Raises ServiceError (NoSuchPartition).
        """
        # Looked up and pinned in one step: nobody may replace the rows in between.
        with self._store.lock:
            found = self._store.catalog.find(table.name) or table
            blobs = require_partition(found, spec).blobs
            return self._open(found.name, found.columns, found.partition_columns, blobs)

    def open_rows(self, instance_id: str, columns: tuple[Column, ...], blobs: tuple[Blob, ...]) -> DownloadSession:
        """Open the rows of a query."""
        return self._open(instance_id, columns, (), blobs)

    def _open(
        self,
        owner: TableName | str,
        columns: tuple[Column, ...],
        partition_columns: tuple[Column, ...],
        blobs: tuple[Blob, ...],
    ) -> DownloadSession:
        seconds = self._now() // 1000
        download_id = f"{self._now():x}{uuid4().hex[:20]}"
        session = DownloadSession(download_id, owner, columns, partition_columns, blobs, seconds + self._life)
        with self._lock:
            self._expire(seconds)
            self._store.pin(blob.name for blob in blobs)
            try:
                self._documents.keep(download_id, _dump(session))
            except DiskError as reason:
                # A full disk can still be read: it would be hard to make room on it otherwise.
                _log.warning("download %s ends with this process: %s", download_id, reason.message)
            self._sessions[download_id] = session
            self._make_room(session)
        return session

    def _expire(self, seconds: int) -> None:
        for session in [s for s in self._sessions.values() if s.expires <= seconds]:
            self._end(session)

    def _end(self, session: DownloadSession) -> None:
        del self._sessions[session.download_id]
        self._documents.forget(session.download_id)
        self._store.unpin(blob.name for blob in session.blobs)

    def _make_room(self, newest: DownloadSession) -> None:
        # The first in the dictionary is the least recently used one.
        while len(self._sessions) > self._most_sessions:
            self._end(next(iter(self._sessions.values())))
        needed = self._store.catalog.blobs
        holders = Counter(blob for session in self._sessions.values() for blob in set(session.blobs))
        held = sum(blob.size for blob in holders if blob.name not in needed)
        for session in list(self._sessions.values()):
            if held <= self._most_bytes or session is newest:
                break
            self._end(session)
            blobs = set(session.blobs)
            holders.subtract(blobs)
            held -= sum(blob.size for blob in blobs if not holders[blob] and blob.name not in needed)

    def find(self, download_id: str, owner: TableName | str) -> DownloadSession:
        """Return the session of this id.

        Raises ServiceError: NoSuchDownload, InvalidResourceSpec when it belongs to something else.
        """
        with self._lock:
            self._expire(self._now() // 1000)
            session = self._sessions.pop(download_id, None)
            if session is not None:
                # To the end: it is the most recently used one now.
                self._sessions[download_id] = session
        if session is None:
            raise ServiceError(404, "NoSuchDownload", f"The specified download id does not exist: {download_id}")
        if session.owner != owner:
            raise ServiceError(
                400, "InvalidResourceSpec", f"download {download_id} belongs to {session.owner}, not to {owner}"
            )
        return session

    def read(self, session: DownloadSession, start: int, count: int, names: list[str]) -> RowRange:
        """Return the rows [start, start + count) in these columns; all columns when none is named.

        Raises ServiceError: InvalidRowRange, InvalidColumnSpec.
        """
        if start < 0 or count < 0 or start > session.rows:
            raise ServiceError(
                400,
                "InvalidRowRange",
                f"The specified row range is not valid: ({start},{count}) of {session.rows} rows",
            )
        columns = pick_columns(session.columns, names) if names else session.columns
        end = min(start + count, session.rows)
        return RowRange(self._store.blobs, session.blobs, columns, start, end)


def _dump(session: DownloadSession) -> dict[str, Any]:
    owner = session.owner
    return {
        "id": session.download_id,
        "owner": owner if isinstance(owner, str) else [owner.project, owner.schema, owner.table],
        "columns": [dump_column(column) for column in session.columns],
        "partition_columns": [dump_column(column) for column in session.partition_columns],
        "blobs": [[blob.name, blob.rows, blob.size] for blob in session.blobs],
        "expires": session.expires,
    }


def _load(document: dict[str, Any]) -> DownloadSession:
    owner = document["owner"]
    return DownloadSession(
        document["id"],
        owner if isinstance(owner, str) else TableName(*owner),
        tuple(map(load_column, document["columns"])),
        tuple(map(load_column, document["partition_columns"])),
        tuple(Blob(*blob) for blob in document["blobs"]),
        document["expires"],
    )


def pick_columns(columns: tuple[Column, ...], names: list[str]) -> tuple[Column, ...]:
    """Return the columns of these names, in the order of the names.

    Raises ServiceError (InvalidColumnSpec).
    """
    known = {column.name: column for column in columns}
    missing = [name for name in names if name.lower() not in known]
    if missing:
        raise ServiceError(
            400, "InvalidColumnSpec", f"The specified columns are not valid: there is no {', '.join(missing)}"
        )
    return tuple(known[name.lower()] for name in names)
