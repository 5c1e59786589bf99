"""Small documents that survive a restart, one file each: instances and download sessions."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from airflow_provider_kafka_odps.local.catalog.disk import (
    disk_error,
    make_folder,
    remove_file,
    replace_file,
    set_aside,
)

_log = logging.getLogger(__name__)


Read = TypeVar("Read")


class Documents(Protocol):
    """Named JSON documents."""

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Keep a document, in place of an earlier one of this name.

        Raises DiskError.
        """
        ...

    def forget(self, name: str) -> None:
        """Drop a document, if it is there."""
        ...

    def load(self, read: Callable[[dict[str, Any]], Read]) -> list[Read]:
        """Return what `read` makes of each document; those that it cannot read are left out, with a line in the log."""
        ...


class MemoryDocuments:
    """Keeps nothing."""

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Keep nothing: the document ends with the process."""

    def forget(self, name: str) -> None:
        """Do nothing: no document is kept."""

    def load(self, read: Callable[[dict[str, Any]], Read]) -> list[Read]:  # noqa: ARG002 - there is nothing to read
        """Return nothing: no document is kept."""
        return []


class DirectoryDocuments:
    """Keeps each document as a file, replaced by a rename."""

    def __init__(self, folder: Path) -> None:
        """Keep documents in `folder`."""
        self._folder = folder
        make_folder(folder)

    def keep(self, name: str, document: dict[str, Any]) -> None:
        """Write the document's file."""
        replace_file(self._folder / f"{name}.json", json.dumps(document, separators=(",", ":")).encode())

    def forget(self, name: str) -> None:
        """Remove the document's file."""
        remove_file(self._folder / f"{name}.json")

    def load(self, read: Callable[[dict[str, Any]], Read]) -> list[Read]:
        """Return what `read` makes of each file; one of them must not keep the others from being read."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(read(json.loads(path.read_bytes())))
            except OSError as reason:
                _log.warning("%s is left out: %s", path, disk_error(reason, path).message)
            except Exception as reason:  # noqa: BLE001 - whatever is wrong with it, it is this file's fault alone
                set_aside(path, reason)
        return found
