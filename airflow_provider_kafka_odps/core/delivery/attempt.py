"""One attempt at a load: what is wanted, the outside, and this run of the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.options import OnFewerRows, OnRerun
from airflow_provider_kafka_odps.core.routing.staging import Routing
from airflow_provider_kafka_odps.core.window.planning import WindowRequest


@dataclass(frozen=True, slots=True)
class Load:
    """What is wanted."""

    request: WindowRequest
    group: str | None
    """The consumer group that a start at ``committed`` is about; None: there is none."""
    target: Target
    projection: Projection
    found_by: tuple[str, ...]
    """The columns that hold partition and offset of each row's record; (): there are none."""
    drift: Mapping[str, Sequence[str]] | None
    """What was decided about columns that the table lacks, for the receipt; None: nothing had to be."""
    tolerance: Tolerance
    """How many records may fail to fit the table."""
    keep_rejects: bool
    """Whether these records are written somewhere; otherwise they are counted, and the first ten are in the log."""
    resources: Resources
    commit_timeout: float
    """Seconds until a commit's fate has to be known."""
    on_rerun: OnRerun
    on_fewer_rows: OnFewerRows
    reconcile: bool
    """Whether the table is held against what was loaded."""
    commit_to_group: bool
    """Whether the window's ends are committed to the consumer group."""
    routing: Routing | None = None
    """Into which partitions rows go, where their records say it; None: all into one place."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is for a load, and what its process has taken of it."""

    cores: int
    """How many its processes may use; 0: not known."""
    cpu: Callable[[], float]
    """Seconds of processors that this process has taken so far."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """This run of the task."""

    clear_number: int
    """How often its DAG run has been cleared."""
    try_number: int
    """Which try of the task this is, as Airflow counts them."""
    log: Callable[[str], None]
    """Takes a line for the task's log."""
    warn: Callable[[str], None]
    """The same, for a warning."""
    cancellation: Cancellation
    refusals: Refusals
    """How often the service has asked for less."""
    machine: Machine
    began: float
    """When it began, by the ports' clock."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a load."""

    load: Load
    ports: Ports
    run: TaskRun
