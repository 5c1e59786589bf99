"""The log of upload sessions: one line per event, from which a session is restored."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

from airflow_provider_kafka_odps.local.catalog.disk import sync_folder
from airflow_provider_kafka_odps.local.catalog.manifest import dump_column, load_column
from airflow_provider_kafka_odps.local.catalog.model import Blob, TableName
from airflow_provider_kafka_odps.local.sessions.upload import Block, UploadSession, UploadStatus


class SessionLog(Protocol):
    """Where sessions are kept."""

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Keep one more event of a session."""
        ...

    def load(self) -> list[UploadSession]:
        """Return all sessions as their events left them."""
        ...

    def forget(self, upload_id: str) -> None:
        """Drop a session."""
        ...


class MemoryLog:
    """Keeps nothing."""

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Keep nothing: the event ends with the process."""

    def load(self) -> list[UploadSession]:
        """Return nothing: no session is kept."""
        return []

    def forget(self, upload_id: str) -> None:
        """Do nothing: no session is kept."""


class FileLog:
    """A file per session, a line per event; half a line, left by a killed process, is no event."""

    def __init__(self, folder: Path) -> None:
        """Keep sessions in `folder`."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, upload_id: str, event: dict[str, Any]) -> None:
        """Append one line."""
        with (self._folder / f"{upload_id}.jsonl").open("ab", buffering=0) as log:
            new = log.tell() == 0
            log.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
            os.fsync(log.fileno())
        if new:
            sync_folder(self._folder)

    def load(self) -> list[UploadSession]:
        """Return the sessions of all files."""
        return [session for path in self._folder.glob("*.jsonl") if (session := _replay(path.read_bytes()))]

    def forget(self, upload_id: str) -> None:
        """Remove the file."""
        (self._folder / f"{upload_id}.jsonl").unlink(missing_ok=True)


def _replay(content: bytes) -> UploadSession | None:
    session = None
    for line in content.split(b"\n")[:-1]:
        event = json.loads(line)
        if session is None:
            session = load_session(event)
        elif "block" in event:
            block_id, blob, version, created = event["block"]
            block = Block(block_id, Blob(*blob), version, created)
            session = session.with_block(block, created)
        else:
            session = session.with_status(UploadStatus(event["status"]))
    return session


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
