"""Where rows are kept: files of Arrow streams, in a directory or in memory, each of them whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.disk import NewFile, in_words, make_folder, remove_file

_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class BlobWriter(Protocol):
    """A blob that is being written; it is not visible before `publish`."""

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        ...

    def publish(self) -> int:
        """Make the blob visible, whole, and return how many bytes it has."""
        ...

    def discard(self) -> None:
        """Forget what was written; harmless after `publish`."""
        ...


class BlobStore(Protocol):
    """Named blobs that never change; to create, write, publish and read one may raise DiskError."""

    def create(self, name: str) -> BlobWriter:
        """Start a blob."""
        ...

    def read(self, name: str) -> pa.Buffer:
        """Return the whole blob; it stays readable after `delete` for as long as the buffer lives."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob, if it is there; it raises nothing, as what stays costs only room."""
        ...

    def names(self) -> set[str]:
        """Return the names of all visible blobs."""
        ...


class DirectoryBlobs:
    """Blobs as files; each is written under another name and renamed, so a killed process leaves no half of one."""

    def __init__(self, folder: Path) -> None:
        """Keep blobs in `folder`; what an earlier process did not finish is removed."""
        self._folder = folder
        make_folder(folder)
        for torn in folder.glob("*.part"):
            remove_file(torn)

    def create(self, name: str) -> BlobWriter:
        """Start a blob."""
        return NewFile(self._folder / name)

    def read(self, name: str) -> pa.Buffer:
        """Return the file, mapped into memory; nothing is copied."""
        path = self._folder / name
        with in_words(path), pa.memory_map(str(path)) as mapped:
            return mapped.read_buffer()

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        remove_file(self._folder / name)

    def names(self) -> set[str]:
        """Return the names of all files."""
        return {entry.name for entry in os.scandir(self._folder) if not entry.name.endswith(".part")}


class MemoryBlobs:
    """Blobs in memory: gone with the process."""

    def __init__(self) -> None:
        """Start without blobs."""
        self._kept: dict[str, pa.Buffer] = {}

    def create(self, name: str) -> BlobWriter:
        """Start a blob."""

        def keep(content: pa.Buffer) -> None:
            self._kept[name] = content

        return _MemoryWriter(keep)

    def read(self, name: str) -> pa.Buffer:
        """Return the blob itself; nothing is copied."""
        return self._kept[name]

    def delete(self, name: str) -> None:
        """Forget a blob, if it is there."""
        self._kept.pop(name, None)

    def names(self) -> set[str]:
        """Return the names of all blobs."""
        return set(self._kept)


class _MemoryWriter:
    def __init__(self, keep: Callable[[pa.Buffer], None]) -> None:
        self._keep = keep
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def publish(self) -> int:
        # Joined once: a buffer that grows is copied again and again.
        content = pa.py_buffer(b"".join(self._pieces))
        self._pieces.clear()
        self._keep(content)
        return int(content.size)

    def discard(self) -> None:
        self._pieces.clear()


def open_batches(content: pa.Buffer) -> pa.RecordBatchStreamReader:
    """Return a blob as an Arrow stream, without copying it."""
    return pa.ipc.open_stream(content)


def stream_end() -> bytes:
    """Return the bytes that end an Arrow stream."""
    return _END
