"""Apache Kafka's jars, downloaded once and kept complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from demo.downloads import cache_folder, download_jars, kept

KAFKA_VERSION = "4.3.1"
_COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:2.0.17"


def kafka_jars(report: Callable[[str], None], cache: Path | None = None) -> Path:
    """Return a directory with all jars of the broker, for the class path; download them (44 MB) the first time.

    ``cache`` is ``~/.cache/kafka-broker`` by default (``XDG_CACHE_HOME`` is respected). An interrupted download leaves
    nothing behind, and of two processes that need the jars at once one waits for the other.
    """

    def download(into: Path) -> None:
        report(f"downloading Apache Kafka {KAFKA_VERSION} (44 MB, once) …")
        download_jars(_COORDINATES, into)

    return kept(cache or cache_folder("kafka-broker"), f"kafka-{KAFKA_VERSION}", download)
