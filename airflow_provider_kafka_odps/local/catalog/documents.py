"""Small documents that survive a restart, one file each: instances and download sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from airflow_provider_kafka_odps.local.catalog.disk import replace_file


class Documents(Protocol):
    """Named JSON documents."""

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Keep a document, in place of an earlier one of this name."""
        ...

    def forget(self, name: str) -> None:
        """Drop a document, if it is there."""
        ...

    def load(self) -> list[dict[str, Any]]:
        """Return all documents."""
        ...


class MemoryDocuments:
    """Keeps nothing."""

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Keep nothing: the document ends with the process."""

    def forget(self, name: str) -> None:
        """Do nothing: no document is kept."""

    def load(self) -> list[dict[str, Any]]:
        """Return nothing: no document is kept."""
        return []


class DirectoryDocuments:
    """Keeps each document as a file, replaced by a rename."""

    def __init__(self, folder: Path) -> None:
        """Keep documents in `folder`."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Write the document's file."""
        replace_file(self._folder / f"{name}.json", json.dumps(document, separators=(",", ":")).encode())

    def forget(self, name: str) -> None:
        """Remove the document's file."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def load(self) -> list[dict[str, Any]]:
        """Return the documents of all files."""
        return [json.loads(path.read_bytes()) for path in sorted(self._folder.glob("*.json"))]
