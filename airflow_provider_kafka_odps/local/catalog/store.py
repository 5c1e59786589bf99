"""The committed state and its files: changed one at a time, each change visible whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Protocol

from airflow_provider_kafka_odps.local.catalog.blobs import BlobStore, DirectoryBlobs, MemoryBlobs
from airflow_provider_kafka_odps.local.catalog.catalog import DEFAULT_SCHEMA, Catalog, Schema
from airflow_provider_kafka_odps.local.catalog.disk import replace_file
from airflow_provider_kafka_odps.local.catalog.manifest import dump_catalog, load_catalog


class Manifest(Protocol):
    """Where the catalog itself is kept."""

    def load(self) -> Catalog | None:
        """Return the catalog that was kept last, if any."""
        ...

    def keep(self, catalog: Catalog) -> None:
        """Keep this catalog instead of the last one, in one step."""
        ...


class MemoryManifest:
    """Keeps nothing."""

    def load(self) -> Catalog | None:
        """Return None: no catalog is kept."""
        return None

    def keep(self, catalog: Catalog) -> None:
        """Keep nothing: the catalog ends with the process."""


class FileManifest:
    """A JSON file that is replaced by one rename."""

    def __init__(self, path: Path) -> None:
        """Keep the catalog at `path`."""
        self._path = path

    def load(self) -> Catalog | None:
        """Return the catalog in the file, if there is one."""
        return load_catalog(self._path.read_bytes()) if self._path.exists() else None

    def keep(self, catalog: Catalog) -> None:
        """Write beside the file, then rename."""
        replace_file(self._path, dump_catalog(catalog))


class Store:
    """The catalog, changed under a lock, and the files that it or a reader still needs."""

    def __init__(self, project: str, blobs: BlobStore, manifest: Manifest, now: Callable[[], int]) -> None:
        """Continue with the kept catalog of `project`, or start an empty one.

        Raises ValueError when another project is kept there.
        """
        kept = manifest.load()
        if kept is not None and kept.project != project:
            raise ValueError(
                f"the directory holds project {kept.project}, not {project}: name it, or another directory"
            )
        default = {DEFAULT_SCHEMA: Schema(DEFAULT_SCHEMA, created=now())}
        self.catalog = kept or Catalog(project, now(), default)
        self.blobs = blobs
        self.lock = RLock()
        self._manifest = manifest
        self._pins: Counter[str] = Counter()

    def change(self, transition: Callable[[Catalog], Catalog]) -> Catalog:
        """Replace the catalog by what `transition` makes of it, and remove the files that are no longer needed."""
        with self.lock:
            before = self.catalog
            after = transition(before)
            self._manifest.keep(after)
            self.catalog = after
            self._remove(before.blobs - after.blobs)
            return after

    @contextmanager
    def pinned(self, names: Iterable[str]) -> Iterator[None]:
        """Keep these files while the `with` block runs, whatever becomes of their tables."""
        taken = list(names)
        self.pin(taken)
        try:
            yield
        finally:
            self.unpin(taken)

    def pin(self, names: Iterable[str]) -> None:
        """Keep these files until `unpin`."""
        with self.lock:
            self._pins.update(names)

    def unpin(self, names: Iterable[str]) -> None:
        """Undo one `pin`; files that are no longer needed are removed."""
        with self.lock:
            freed = set(names)
            self._pins.subtract(freed)
            self._pins = +self._pins
            self._remove(freed - self.catalog.blobs)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._pins:
                self.blobs.delete(name)

    def sweep(self, needed: frozenset[str]) -> None:
        """Remove what an earlier process left and neither the catalog nor `needed` refers to."""
        with self.lock:
            self._remove(self.blobs.names() - self.catalog.blobs - needed)


def open_store(project: str, folder: Path | None, now: Callable[[], int]) -> Store:
    """Open the directory, or memory when it is None.

    Raises ValueError when another process has it open, or it holds another project.
    """
    if folder is None:
        return Store(project, MemoryBlobs(), MemoryManifest(), now)
    folder.mkdir(parents=True, exist_ok=True)
    _lock_folder(folder)
    return Store(project, DirectoryBlobs(folder / "rows"), FileManifest(folder / "catalog.json"), now)


def _lock_folder(folder: Path) -> None:
    # Never closed: the lock ends with the process, however the process ends.
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise ValueError(f"another endpoint has {folder} open; stop it, or use another --data") from None
