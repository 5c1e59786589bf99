"""The committed state and its files: changed one at a time, each change visible whole or not at all."""

from __future__ import annotations

import fcntl
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Protocol, TypeVar

from airflow_provider_kafka_odps.local.catalog.blobs import BlobStore, DirectoryBlobs, MemoryBlobs
from airflow_provider_kafka_odps.local.catalog.catalog import DEFAULT_SCHEMA, Catalog, Schema
from airflow_provider_kafka_odps.local.catalog.disk import Reserve, disk_error, in_words, make_folder, replace_file
from airflow_provider_kafka_odps.local.catalog.manifest import dump_catalog, load_catalog
from airflow_provider_kafka_odps.local.catalog.model import Table
from airflow_provider_kafka_odps.local.errors import DiskError, SqlError, UnsureDiskError

_log = logging.getLogger(__name__)


Found = TypeVar("Found")


_TRIES = 3


_LEAST_RESERVE = 256 << 10
"""Bytes, of which a list of a few hundred tables takes a part."""


class Manifest(Protocol):
    """Where the catalog itself is kept."""

    def load(self) -> Catalog | None:
        """Return the catalog that was kept last, if any."""
        ...

    def keep(self, catalog: Catalog) -> None:
        """Keep this catalog instead of the last one, in one step.

        Raises DiskError.
        """
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
        """Return the catalog in the file, if there is one.

        Raises ValueError when there is one that cannot be read: an empty catalog in its place would remove all rows.
        """
        try:
            return load_catalog(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as reason:
            raise ValueError(f"{self._path} cannot be read: {disk_error(reason, self._path).message}") from reason
        except (ValueError, LookupError, TypeError, AttributeError, SqlError) as reason:
            raise ValueError(
                f"{self._path} cannot be read: {type(reason).__name__}: {reason}. It is the list of all tables; their "
                f"rows are in {self._path.parent / 'rows'}, and nothing of the directory was changed. Put a copy "
                "of the file in its place, or start with another --data"
            ) from reason

    def keep(self, catalog: Catalog) -> None:
        """Write beside the file, then rename."""
        replace_file(self._path, dump_catalog(catalog))


class Store:
    """The catalog, changed under a lock, and the files that it or a reader still needs."""

    def __init__(
        self, project: str, blobs: BlobStore, manifest: Manifest, now: Callable[[], int], reserve: Reserve | None = None
    ) -> None:
        """Continue with the kept catalog of `project`, or start an empty one.

        `reserve` is the room that is left for changes that free some.

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
        self._now = now
        self._manifest = manifest
        self._reserve = reserve
        self._pins: Counter[str] = Counter()
        self._settled: set[str] = set()
        self._closing = ExitStack()
        self._tell_missing()

    def _tell_missing(self) -> None:
        names = self.blobs.names()
        for table in self.catalog.tables.values():
            for name in sorted(table.blobs - names):
                _log.warning(
                    "rows of %s are missing: the file %s is gone; bring it back, or drop the table", table.name, name
                )

    def change(self, transition: Callable[[Catalog], Catalog], ended: str = "") -> Catalog:
        """Replace the catalog by what `transition` makes of it, and remove the files that are no longer needed.

        The change ends the upload or statement `ended`, if one is named, which is kept in the same step until `settle`.
        Raises DiskError, and nothing has changed; UnsureDiskError when it has.
        """
        with self.lock:
            before = self.catalog
            after = transition(before)
            if after is before:
                return before
            after = after.without_ended(self._settled)
            if ended:
                after = after.with_ended(ended, self._now())
            try:
                self._keep(before, after)
            except UnsureDiskError:
                # Readers, and the next start, see what the file has.
                self.catalog = after
                raise
            self.catalog = after
            self._settled &= after.ended.keys()
            self._remove(before.blobs - after.blobs)
            if self._reserve is not None:
                self._reserve.fill()
            return after

    def _keep(self, before: Catalog, after: Catalog) -> None:
        frees = after.blobs < before.blobs or after.tables.keys() < before.tables.keys()
        try:
            self._manifest.keep(after)
        except UnsureDiskError:
            raise
        except DiskError:
            if self._reserve is None or not frees:
                raise
            # A full disk must not keep what fills it from being dropped.
            self._reserve.release()
            self._manifest.keep(after)

    def close(self) -> None:
        """Let another process, or another store of this one, open the directory."""
        self._closing.close()

    def at_close(self, call: Callable[[], object]) -> None:
        """Have this called by `close`."""
        self._closing.callback(call)

    def settle(self, ids: Iterable[str]) -> None:
        """Forget, with the next change, that these have ended: they have kept it themselves by now."""
        with self.lock:
            self._settled |= self.catalog.ended.keys() & set(ids)

    def discard(self, names: Iterable[str]) -> None:
        """Remove these files, of which a change was to make rows of a table, unless it did, or a reader has them."""
        with self.lock:
            self._remove(set(names) - self.catalog.blobs)

    @contextmanager
    def pinned(self, names: Iterable[str]) -> Iterator[None]:
        """Keep these files while the `with` block runs, whatever becomes of their tables."""
        taken = list(names)
        self.pin(taken)
        try:
            yield
        finally:
            self.unpin(taken)

    @contextmanager
    def reading(self, find: Callable[[Catalog], Found], tables: Callable[[Found], Iterable[Table]]) -> Iterator[Found]:
        """Find something in the catalog, and keep the files of its tables while the `with` block runs.

        Between a look at the catalog and a pin, somebody else may have replaced the rows: then it is found anew, at
        last with nobody else at work.
        """
        for at_last in (False,) * _TRIES + (True,):
            with self.lock if at_last else nullcontext():
                found = find(self.catalog)
                read = list(tables(found))
                names = [name for table in read for name in table.blobs]
                with self.lock:
                    there = all(map(self._has, read))
                    self.pin(names)
            if there or at_last:
                break
            self.unpin(names)
        try:
            yield found
        finally:
            self.unpin(names)

    def _has(self, table: Table) -> bool:
        now = self.catalog.find(table.name)
        return now is not None and table.blobs <= now.blobs

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
    make_folder(folder)
    lock = _lock_folder(folder)
    try:
        manifest = folder / "catalog.json"
        size = manifest.stat().st_size if manifest.exists() else 0
        reserve = Reserve(folder / "reserve", max(2 * size, _LEAST_RESERVE))
        store = Store(project, DirectoryBlobs(folder / "rows"), FileManifest(manifest), now, reserve)
    except BaseException:
        os.close(lock)
        raise
    store.at_close(lambda: os.close(lock))
    return store


def _lock_folder(folder: Path) -> int:
    # The lock ends with the process at the latest, however the process ends.
    with in_words(folder / "lock"):
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise ValueError(f"another endpoint has {folder} open; stop it, or use another --data") from None
    return lock
