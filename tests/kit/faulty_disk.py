"""A disk of which any operation can fail: it stands for `os` in the module that changes the endpoint's files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any


class Trouble(Enum):
    """What is wrong with the disk."""

    FULL = "full"
    BROKEN = "broken"
    READ_ONLY = "read-only"
    NO_DESCRIPTORS = "no descriptors"


_CHANGING = ("open", "replace", "rename", "unlink", "ftruncate", "makedirs")


_ERRORS: dict[Trouble, dict[str, int]] = {
    Trouble.FULL: dict.fromkeys(("open", "write", "makedirs"), errno.ENOSPC),
    Trouble.BROKEN: dict.fromkeys((*_CHANGING, "write", "fsync"), errno.EIO),
    Trouble.READ_ONLY: {**dict.fromkeys(_CHANGING, errno.EROFS), "write": errno.EIO, "fsync": errno.EIO},
    Trouble.NO_DESCRIPTORS: {"open": errno.EMFILE},
}
"""The operations that fail, and with which error."""


class SmallDisk:
    """A disk of so many bytes that are free: it takes what fits, and what is removed makes room."""

    def __init__(self) -> None:
        self.free = 1 << 40

    def __getattr__(self, name: str) -> Any:
        """Return the operation of this name."""
        return getattr(os, name)

    def write(self, file: int, content: bytes) -> int:
        """Write as much as there is room for."""
        if not self.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(file, content[: self.free])
        self.free -= written
        return written

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        size = path.stat().st_size
        path.unlink()
        self.free += size

    def replace(self, source: Path, target: Path) -> None:
        """Put a file in the place of another one, if there is one."""
        size = target.stat().st_size if target.exists() else 0
        source.replace(target)
        self.free += size


def _flushed(_file: int) -> None:
    """Take a file for flushed."""


class FaultyDisk:
    """Passes everything on to `os`, but for the operation of one number, or all from it on while the fault lasts."""

    def __init__(self) -> None:
        self._errors: Mapping[str, int] = {}
        self._at = self._seen = 0
        self._lasts = self._short = False
        self.fired = False

    def arm(self, trouble: Trouble, at: int, *, lasts: bool) -> None:
        """Fail at the operation `at`, counted from 1 among those that this trouble concerns."""
        self._errors, self._at, self._lasts = _ERRORS[trouble], at, lasts
        self._seen, self.fired, self._short = 0, False, False

    def heal(self) -> None:
        """Fail no more."""
        self._errors = {}

    def __getattr__(self, name: str) -> Any:
        """Return the operation of this name, which may fail."""
        # What is flushed matters to power failures only, and takes most of the time.
        real: Callable[..., Any] = _flushed if name == "fsync" else getattr(os, name)
        if name not in self._errors:
            return real

        def operation(*arguments: Any, **named: Any) -> Any:
            if name == "open" and self._errors.get(name) != errno.EMFILE and not arguments[1] & os.O_WRONLY:
                return real(*arguments, **named)
            self._seen += 1
            if self._short and name == "write":
                self._short = False
            elif self._seen == self._at and self._errors[name] == errno.ENOSPC and name == "write":
                # The disk takes a part, which is no error; the rest is one.
                self.fired = self._short = True
                return real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            elif self._seen != self._at and not (self._lasts and self._seen > self._at):
                return real(*arguments, **named)
            self.fired = True
            raise OSError(self._errors[name], os.strerror(self._errors[name]))

        return operation
