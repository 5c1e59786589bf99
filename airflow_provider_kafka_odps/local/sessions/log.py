"""The log of upload sessions: one line per event, from which a session is restored."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from airflow_provider_kafka_odps.local.catalog.disk import append_line, make_folder, remove_file, set_aside
from airflow_provider_kafka_odps.local.catalog.manifest import dump_column, load_column
from airflow_provider_kafka_odps.local.catalog.model import Blob, TableName
from airflow_provider_kafka_odps.local.errors import DiskError
from airflow_provider_kafka_odps.local.sessions.upload import Block, UploadSession, UploadStatus


class SessionLog(Protocol):
    """Where sessions are kept."""

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Keep one more event of a session.

        Raises DiskError, and the event is not kept.
        """
        ...

    def load(self, blobs: AbstractSet[str]) -> list[UploadSession]:
        """Return all sessions as their events left them; `blobs` are the files of rows that there are."""
        ...

    def forget(self, upload_id: str) -> None:
        """Drop a session."""
        ...


class MemoryLog:
    """Keeps nothing."""

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Keep nothing: the event ends with the process."""

    def load(self, blobs: AbstractSet[str]) -> list[UploadSession]:  # noqa: ARG002 - there is nothing to look for
        """Return nothing: no session is kept."""
        return []

    def forget(self, upload_id: str) -> None:
        """Do nothing: no session is kept."""


class FileLog:
    """A file per session, a line per event; half a line, left by a killed process, is no event."""

    def __init__(self, folder: Path) -> None:
        """Keep sessions in `folder`."""
        self._folder = folder
        # What counts of each file: behind it may be what a full disk took of a line that was refused.
        self._lengths: dict[str, int] = {}
        make_folder(folder)

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Append one line."""
        path, length = self._path(upload_id), self._lengths.get(upload_id, 0)
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        try:
            self._lengths[upload_id] = append_line(path, length, line)
        except DiskError:
            if not length:
                remove_file(path)
            raise

    def load(self, blobs: AbstractSet[str]) -> list[UploadSession]:
        """Return the sessions of all files; one that cannot be read is left out, with a line in the log."""
        return [session for path in self._folder.glob("*.jsonl") if (session := self._restored(path, blobs))]

    def _restored(self, path: Path, blobs: AbstractSet[str]) -> UploadSession | None:
        try:
            content = path.read_bytes()
            session = _replay(content, blobs)
        except Exception as reason:  # noqa: BLE001 - whatever is wrong with it, the other sessions must be found
            set_aside(path, reason)
            return None
        if session is None:
            remove_file(path)
        else:
            self._lengths[path.stem] = content.rfind(b"\n") + 1
        return session

    def forget(self, upload_id: str) -> None:
        """Remove the file."""
        self._lengths.pop(upload_id, None)
        remove_file(self._path(upload_id))

    def _path(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.jsonl"


def _replay(content: bytes, blobs: AbstractSet[str]) -> UploadSession | None:
    session = None
    events = list(map(json.loads, content.split(b"\n")[:-1]))
    ended = any(event.get("status") == UploadStatus.CLOSED.value for event in events)
    for event in events:
        if session is None:
            session = load_session(event)
        elif "block" in event:
            block = _load_block(*event["block"])
            # A line that a failing disk did not take back has no file: its block was refused.
            if ended or block.blob.name in blobs:
                session = replace(session, blocks={**session.blocks, block.block_id: block})
        else:
            session = session.with_status(UploadStatus(event["status"]))
    return session


def _load_block(block_id: int, blob: list[Any], version: int, created: int) -> Block:
    return Block(block_id, Blob(*blob), version, created)


def dump_session(session: UploadSession) -> dict[str, Any]:
    """Return the event that begins a session."""
    return {
        "id": session.upload_id,
        "table": [session.table.project, session.table.schema, session.table.table],
        "table_id": session.table_id,
        "spec": session.spec,
        "columns": [dump_column(column) for column in session.columns],
        "overwrite": session.overwrite,
        "created": session.created,
        "expires": session.expires,
        "owner": session.owner,
    }


def load_session(event: dict[str, Any]) -> UploadSession:
    """Return the session that an event begins."""
    return UploadSession(
        event["id"],
        TableName(*event["table"]),
        event["table_id"],
        tuple((name, value) for name, value in event["spec"]),
        tuple(map(load_column, event["columns"])),
        event["overwrite"],
        event["created"],
        event["expires"],
        event["owner"],
    )


def dump_block(block: Block) -> dict[str, Any]:
    """Return the event of a written block."""
    blob = block.blob
    return {"block": [block.block_id, [blob.name, blob.rows, blob.size], block.version, block.created]}


def dump_status(status: UploadStatus) -> dict[str, Any]:
    """Return the event of a new status."""
    return {"status": status.value}
