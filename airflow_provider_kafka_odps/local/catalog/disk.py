"""The one place that changes files: each change is whole, flushed before anybody is told, or fails in words."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from airflow_provider_kafka_odps.local.errors import DiskError, UnsureDiskError

_log = logging.getLogger(__name__)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


_MODE = 0o666


_REASONS = {
    errno.ENOSPC: "the disk that holds {folder} is full; free some space and try again",
    errno.EDQUOT: "the quota of the disk that holds {folder} is used up; free some space and try again",
    errno.EFBIG: "a file in {folder} would be larger than this process may write (see ulimit -f)",
    errno.EROFS: "the disk that holds {folder} is read-only; make it writable and try again",
    errno.EACCES: "this process may not write to {folder}; change the rights of the directory and try again",
    errno.EPERM: "this process may not write to {folder}; change the rights of the directory and try again",
    errno.EMFILE: "this process has as many files open as it may (see ulimit -n); nothing in {folder} was changed",
    errno.ENFILE: "this machine has as many files open as it may; nothing in {folder} was changed",
    errno.ENOTDIR: "{folder} is no directory",
    errno.EEXIST: "{folder} is no directory",
    errno.ENOENT: "{name} in {folder} is gone: somebody has removed it",
}


def disk_error(reason: OSError, path: Path) -> DiskError:
    """Return the refusal that says in words what the system has said about a file."""
    words = _REASONS.get(reason.errno or 0, "the disk that holds {folder} failed: {reason}")
    return DiskError(words.format(folder=path.parent, name=path.name, reason=reason.strerror or reason))


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Raise DiskError in place of an OSError about this file."""
    try:
        yield
    except OSError as reason:
        raise disk_error(reason, path) from reason


def make_folder(folder: Path) -> None:
    """Create a folder, and those above it, where they are missing.

    Raises DiskError.
    """
    with in_words(folder / "x"):
        if not folder.is_dir():
            os.makedirs(folder, exist_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content: a crash of the process or the machine leaves the old content or the new one.

    Raises DiskError, and the old content is there; UnsureDiskError when it could not be restored: the new one is there.
    """
    part = path.with_name(path.name + ".part")
    with in_words(path):
        earlier = _opened(path)
        try:
            _replace(part, path, content, earlier)
        finally:
            if earlier is not None:
                os.close(earlier)


def _replace(part: Path, path: Path, content: bytes, earlier: int | None) -> None:
    try:
        _write_new(part, content)
        os.replace(part, path)
    except OSError:
        remove_file(part)
        raise
    try:
        sync_folder(path.parent)
    except OSError as reason:
        # The new content can be read by now. Who is told that nothing was changed must find it so.
        _restore(part, path, earlier, reason)
        raise


def _opened(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _restore(part: Path, path: Path, earlier: int | None, reason: OSError) -> None:
    try:
        if earlier is None:
            os.unlink(path)
        else:
            _write_new(part, _whole(earlier))
            os.replace(part, path)
    except OSError:
        remove_file(part)
        raise UnsureDiskError(
            f"{path} was written, but {disk_error(reason, path).message}; a power failure may undo this change"
        ) from reason


def _whole(file: int) -> bytes:
    os.lseek(file, 0, os.SEEK_SET)
    pieces = []
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _write_new(path: Path, content: bytes) -> None:
    file = os.open(path, _NEW, _MODE)
    try:
        _write_all(file, content)
        os.fsync(file)
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    # A write on a disk that is nearly full is short and no error; only the next one is.
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


class Reserve:
    """Room on the disk for the one change that a full disk must take: that which frees some."""

    def __init__(self, path: Path, size: int) -> None:
        """Take so many bytes, or what was taken before, at `path`; on a disk that is full already there are none."""
        self._path = path
        self._size = size
        self.fill()

    def fill(self) -> None:
        """Take the room, if it was released and is there."""
        if not self._path.exists():
            with suppress(DiskError):
                # No zeros: some file systems would keep no room for these.
                replace_file(self._path, os.urandom(self._size))

    def release(self) -> None:
        """Leave the room to whoever writes next."""
        remove_file(self._path)


def append_line(path: Path, length: int, line: bytes) -> int:
    """Put a line behind the first `length` bytes of a file, which may be missing yet, and return its new length.

    What a failed append left behind `length` is replaced.
    Raises DiskError, and the line is not there; UnsureDiskError when it may be.
    """
    with in_words(path):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            os.ftruncate(file, length)
            os.lseek(file, length, os.SEEK_SET)
            _write_all(file, line)
            os.fsync(file)
            if not length:
                sync_folder(path.parent)
        except OSError as reason:
            _cut(file, length, path, reason)
            raise
        finally:
            os.close(file)
    return length + len(line)


def _cut(file: int, length: int, path: Path, reason: OSError) -> None:
    try:
        os.ftruncate(file, length)
    except OSError:
        raise UnsureDiskError(
            f"{disk_error(reason, path).message}; {path} could not be restored, so a restart may show the change"
        ) from reason


def remove_file(path: Path) -> None:
    """Remove a file, if it is there; one that stays costs room and nothing else, so that is no error but a log line."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as reason:
        _log.warning("%s could not be removed: %s", path, disk_error(reason, path).message)


def set_aside(path: Path, reason: object) -> None:
    """Give a file that cannot be read another name, so that it is neither looked at again nor lost; and say so."""
    aside = path.with_name(path.name + ".unreadable")
    _log.warning(
        "%s cannot be read and is left out (%s: %s); it is kept as %s", path, type(reason).__name__, reason, aside
    )
    with suppress(OSError):
        os.replace(path, aside)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: a file whose name is lost is lost too.

    Raises OSError.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class NewFile:
    """A file that is written in pieces beside its place, and put there whole.

    Raises DiskError.
    """

    def __init__(self, path: Path) -> None:
        """Start to write what will be at `path`."""
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._size = 0
        with in_words(path):
            self._file: int | None = os.open(self._part, _NEW, _MODE)

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        assert self._file is not None
        with in_words(self._path):
            _write_all(self._file, piece)
        self._size += len(piece)

    def publish(self) -> int:
        """Flush the file, put it in its place and return how many bytes it has."""
        assert self._file is not None
        with in_words(self._path):
            os.fsync(self._file)
            self._close()
            os.rename(self._part, self._path)
            try:
                sync_folder(self._path.parent)
            except OSError:
                remove_file(self._path)
                raise
        return self._size

    def discard(self) -> None:
        """Remove what was written; harmless after `publish`."""
        if self._file is not None:
            with suppress(OSError):
                self._close()
        remove_file(self._part)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
