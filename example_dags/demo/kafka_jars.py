"""Apache Kafka's jars, downloaded once and kept complete."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

KAFKA_VERSION = "4.3.1"
_COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:2.0.17"


def kafka_jars(report: Callable[[str], None], cache: Path | None = None) -> Path:
    """Return a directory with all jars of the broker, for the class path; download them (44 MB) the first time.

    ``cache`` is ``~/.cache/kafka-broker`` by default (``XDG_CACHE_HOME`` is respected). An interrupted download leaves
    nothing behind, and of two processes that need the jars at once one waits for the other.
    """
    cache = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kafka-broker"
    jars = cache / f"kafka-{KAFKA_VERSION}"
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            report(f"downloading Apache Kafka {KAFKA_VERSION} (44 MB, once) …")
            _download(jars)
    return jars


def _download(jars: Path) -> None:
    """Resolve into a directory of its own and rename it: jgo takes half a file in its own cache for a whole one."""
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="download-") as scratch:
        context = MavenContext(repo_cache=Path(scratch) / "repository")
        builder = EnvironmentBuilder(context, Path(scratch) / "environments", LinkStrategy.HARD)
        environment = builder.from_endpoint(_COORDINATES)
        complete = Path(scratch) / "complete"
        complete.mkdir()
        for jar in environment.all_jars:
            shutil.move(jar, complete / Path(jar).name)
        complete.rename(jars)
