"""What makes a file outlive a power failure, and not only the death of the process."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Exchange a file's content so that whatever ends process or machine leaves the old one or the new one."""
    part = path.with_name(path.name + ".part")
    with part.open("wb", buffering=0) as file:
        file.write(content)
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder permanent: a file that is on the disk is lost all the same without its name."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
