"""What is downloaded once and kept in the user's cache, completely or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return the folder of this name in the user's cache; ``XDG_CACHE_HOME`` is respected."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / name


def kept(cache: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of a cache, which ``make`` fills at most once.

    What is interrupted leaves nothing behind, and of two processes that need the folder at once one waits.
    """
    folder = cache / name
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as scratch:
                complete = Path(scratch) / "complete"
                complete.mkdir()
                make(complete)
                complete.rename(folder)
    return folder


def download_jars(coordinates: str, into: Path) -> None:
    """Put the jars that Maven coordinates, joined by ``+``, resolve to into a folder."""
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    # jgo takes half a file in its own cache for a whole one: it gets a cache of its own.
    with tempfile.TemporaryDirectory(dir=into.parent, prefix="resolving-") as scratch:
        context = MavenContext(repo_cache=Path(scratch) / "repository")
        builder = EnvironmentBuilder(context, Path(scratch) / "environments", LinkStrategy.HARD)
        for jar in builder.from_endpoint(coordinates).all_jars:
            shutil.move(jar, into / Path(jar).name)
