"""What every lane of one process works with: how records are read and become rows, and who looks on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.window.window import Window

Read: TypeAlias = Callable[[Window, Evidence], Generator[pa.RecordBatch]]
"""Yields every record of a window, and tells the evidence of what has none; one window after the other."""


OpenReader: TypeAlias = Callable[[], AbstractContextManager[Read]]
"""Opens what one lane reads with; asked in several threads."""


TakeRejects: TypeAlias = Callable[[pa.RecordBatch, Sequence[Reject]], None]
"""Takes a batch and its rejects, in several threads; may raise RecordsRejected."""


class StageHooks(Protocol):
    """How the lanes of one process are observed and stopped."""

    def check(self) -> None:
        """Raise where the load is to stop; asked several times a second, in any thread."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Take note of so many rows more, bytes of them, and offsets that are passed; of less before a second try."""

    def others_done(self) -> bool:
        """Tell whether whoever else loads the window is done; asked at the end, until it is so, and now and then."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What the lanes work with."""

    open_reader: OpenReader
    projection: Projection
    take_rejects: TakeRejects
    resources: Resources
    clock: Clock
    stop: Callable[[], None]
    """Tells whatever waits for the outside in another thread that the load has failed."""
    cpu: Callable[[], float]
    """Seconds of processors that this process has taken so far; 0 where nobody counts them."""
    refusals: Refusals
    """What the service has refused, of which whoever talks to it tells."""
