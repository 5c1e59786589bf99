"""What a load would do: its window, its blocks, and what a sample tells of its rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.commands.airflow.options import ReadEntry
from airflow_provider_kafka_odps.commands.loads.asset_state import AssetStateCopy
from airflow_provider_kafka_odps.commands.loads.wanted import HeldLoad, WantedLoad
from airflow_provider_kafka_odps.commands.planning.sample import Sample, Sampler, columns_of
from airflow_provider_kafka_odps.commands.terminal import Shown
from airflow_provider_kafka_odps.core.history.planner import Planning
from airflow_provider_kafka_odps.core.history.planner import plan as plan_among_others
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.sampling import BlockLayout, in_blocks
from airflow_provider_kafka_odps.core.window.ahead import SCANNED
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.facts import TopicFacts, log_end
from airflow_provider_kafka_odps.core.window.losses import Loss, losses
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.runtime.history import history_of

if TYPE_CHECKING:
    import pyarrow as pa

_CUTS_UNKNOWN = (
    "planned by what the broker says alone: where another run has cut one of these instants, its cut counts. "
    "--airflow URL asks for these"
)
_CHAIN_UNKNOWN = (
    "start='previous': where the last window ended is kept by Airflow. Give --airflow URL to ask for it, or say it: "
    """--set start='{"0": 120, "1": 95}'"""
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load would do."""

    held: HeldLoad
    window: Window
    facts: TopicFacts
    """What the log was like."""
    sized: BlockLayout
    sample: Sample
    exists: bool | None
    """Whether the partition that is named is there; None: none is named."""

    @property
    def losses(self) -> Sequence[Loss]:
        """What of the window the log has no more."""
        return list(losses(self.window.ranges, self.facts))

    @property
    def log_ends(self) -> Mapping[int, int]:
        """Partition → where the log ends for a reader of this load's isolation level."""
        level = self.window.isolation_level
        return {number: log_end(each, level) for number, each in self.facts.partitions.items()}


def refuse_unknown_chain(wanted: WantedLoad, read_entry: ReadEntry | None) -> None:
    """Raise InvalidInput for a load that goes on where the last one ended, where nobody can say where that is."""
    start = wanted.parameters.from_where.start
    if read_entry is None and isinstance(start, str) and start.strip() == "previous":
        raise InvalidInput(_CHAIN_UNKNOWN)


def plan_of(held: HeldLoad, read_entry: ReadEntry | None, most: int | None, shown: Shown) -> Plan:
    """Plan the window of a load, and look at so many of its records; nothing is written, and no lock is taken.

    Raises what the load would raise.
    """
    window = window_of(held, read_entry)
    facts = held.source.look(window.topic)
    load, destination = held.load, held.destination
    wanted = columns_of(window, load.projection)
    open_reader = _opens(held, wanted, facts)
    sampler = Sampler(
        open_reader,
        load.projection,
        load.routing,
        load.tolerance,
        lambda: held.source.cleanup_policy(window.topic),
    )
    with shown("reading a sample", min(window.span, window.span if most is None else most)) as advance:
        sample = sampler.take(window, most, advance)
    target = destination.target
    exists = None
    if target.partition is not None:
        exists = not target.create and held.hooks.odps.partition_exists(target.table, target.partition)
    sized = in_blocks(window, open_reader, load.projection, load.resources)
    return Plan(held, window, facts, sized, sample, exists)


def _opens(held: HeldLoad, wanted: frozenset[str], facts: TopicFacts) -> Any:
    return lambda: held.source.open_reader(wanted, facts)


def window_of(held: HeldLoad, read_entry: ReadEntry | None) -> Window:
    """Plan the window of a load, as ``plan_of`` does."""
    wanted, load, source = held.wanted, held.load, held.source
    bounds = (load.request.start, load.request.end)
    if read_entry is None and any(isinstance(each, At) for each in bounds):
        wanted.notes.append(_CUTS_UNKNOWN)
    stores = {wanted.asset: AssetStateCopy(read_entry or (lambda _: None))} if wanted.asset else {}
    history = history_of(
        replace(wanted.run, context={**wanted.run.context, "asset_state_store": stores}, log=wanted.notes.append),
        load.request,
        wanted.asset,
        wanted.parameters.unfitting.on_gap,
        wanted.parameters.from_where.max_offsets,
        None,
        load.target.table,
    )

    def scan(window: Window) -> Generator[pa.RecordBatch]:
        return source.read(window, SCANNED, Evidence())

    clock, survey = wanted.run.clock, source.survey
    return plan_among_others(Planning(load.request, load.group, history, clock, survey, lambda: None, scan))
