"""A load as lineage: its datasets, as values that a translation to OpenLineage only has to copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.lineage.columns import (
    ColumnSource,
    Field,
    column_sources,
    filter_fields,
    topic_fields,
)
from airflow_provider_kafka_odps.lineage.names import DatasetName
from airflow_provider_kafka_odps.lineage.window_told import WindowTold, of_receipt, of_window

MOST_PARTS = 1000
"""How many partitions are listed; a subset of which some were left out would be wrong, so with more there is none."""


@dataclass(frozen=True, slots=True)
class Subset:
    """One part of a dataset that was read or written."""

    name: str
    levels: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much was read or written; None: not known."""

    rows: int
    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset of a run."""

    name: DatasetName
    kind: str
    """What its other names are names of."""
    others: tuple[DatasetName, ...] = ()
    fields: tuple[Field, ...] = ()
    subsets: tuple[Subset, ...] | None = None
    """None: all of it, or too many to list."""
    statistics: Statistics | None = None
    columns: tuple[ColumnSource, ...] = ()
    """What its columns are filled from; of an output."""
    filters: tuple[str, ...] = ()
    """The fields that decide which records are loaded; of an output."""
    change: str | None = None
    """OpenLineage's word for what became of it; None: only rows came."""


@dataclass(frozen=True, slots=True)
class RejectsPlace:
    """The table of rejects, and the partition of this load in it."""

    name: DatasetName
    partition: PartitionSpec
    place: str
    """Both, as a receipt has them."""


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """What is known of a load before it begins: plain values, all of them."""

    topic: tuple[DatasetName, ...]
    """All of its names; (): it is called what no topic can be."""
    topic_name: str
    table: DatasetName
    table_name: str
    asset: DatasetName | None
    """The table as its asset names it."""
    partition: str | None
    mode: Mode
    fields: tuple[Field, ...]
    """Of the table, with those of its partition's levels."""
    columns: Mapping[str, str]
    """Column → source expression, also of levels that records say."""
    where: str | None
    formats: Mapping[Part, str]
    """What keys and values are read as."""
    created: bool
    """Whether the table is missing, and will be created."""
    widened: bool
    """Whether it lacks columns that will be added."""
    staged: bool
    """Whether rows wait in another table, out of which a statement writes files of its own."""
    rejects: RejectsPlace | None


@dataclass(frozen=True, slots=True)
class Described:
    """A run as lineage."""

    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]
    run: WindowTold


def describe(load: KnownLoad, window: Window | None, receipt: Receipt | None, *, loaded: bool) -> Described:
    """Return a load as lineage.

    :param window: None: it is not planned yet.
    :param receipt: None: the load is not done.
    :param loaded: whether this run has put the rows there; otherwise nothing is said of what was read and written.
    """
    done = receipt if loaded else None
    told = WindowTold(
        topic=load.topic_name,
        table=load.table_name,
        partition=load.partition,
        mode=load.mode.value,
        **({} if window is None else of_window(window)),
        **({} if receipt is None else of_receipt(receipt, loaded=loaded)),
    )
    # What nobody has seen yet is not named: a topic that there is none of would be there for whoever looks at lineage.
    inputs = _topic(load, window, done) if window is not None else ()
    table = () if load.created and receipt is None else (_table(load, receipt, done),)
    return Described(tuple(inputs), (*table, *_rejects(load, done)), told)


def _topic(load: KnownLoad, window: Window, done: Receipt | None) -> Iterable[Dataset]:
    if not load.topic:
        return
    name, *others = load.topic
    read = None if done is None else Statistics(done.rows + done.rejects + done.filtered)
    yield Dataset(
        name,
        "TOPIC",
        tuple(others),
        topic_fields(load.columns, load.where, load.formats),
        _listed(_ranges(window)),
        read,
    )


def _ranges(window: Window) -> list[Subset]:
    """Return the ranges that have offsets: nothing is read of the others."""
    return [
        Subset(str(each), {"partition": each.partition, "start": each.start, "end": each.end})
        for each in window.ranges
        if each.span
    ]


def _table(load: KnownLoad, receipt: Receipt | None, done: Receipt | None) -> Dataset:
    # Before the end nobody knows whether columns were added; and who keeps rows may have another mapping by now.
    named = Dataset(
        load.table,
        "TABLE",
        () if load.asset is None else (load.asset,),
        () if receipt is None else load.fields,
        _places(load, receipt),
    )
    return named if done is None else _filled(load, done, named)


def _filled(load: KnownLoad, done: Receipt, table: Dataset) -> Dataset:
    # The service writes the files of rows that a statement moves; nobody has counted them.
    files = None if load.staged else done.blocks
    spelled = {each.name.lower(): each.name for each in load.fields}
    sources = (replace(each, column=spelled[each.column.lower()]) for each in column_sources(load.columns))
    return replace(
        table,
        statistics=Statistics(done.rows, done.bytes, files),
        columns=tuple(sources),
        filters=filter_fields(load.where),
        change=_change(load, done),
    )


def _places(load: KnownLoad, receipt: Receipt | None) -> tuple[Subset, ...] | None:
    """Return the partitions that are written; None where that is the whole table, or not known yet."""
    if receipt is not None and receipt.per_partition is not None:
        return _listed([_place(partition) for partition in receipt.written])
    if load.partition is None or load.staged:
        return None
    return (_place(PartitionSpec.parse(load.partition)),)


def _place(partition: PartitionSpec) -> Subset:
    return Subset(str(partition), dict(partition.levels))


def _listed(subsets: list[Subset]) -> tuple[Subset, ...] | None:
    return tuple(subsets) if len(subsets) <= MOST_PARTS else None


def _change(load: KnownLoad, done: Receipt) -> str | None:
    # These are done for an empty window, too; a retry that finds them done does not tell them again.
    if load.created:
        return "CREATE"
    if load.widened:
        return "ALTER"
    return "OVERWRITE" if load.mode is Mode.OVERWRITE and done.upload_id is not None else None


def _rejects(load: KnownLoad, done: Receipt | None) -> Iterable[Dataset]:
    upload = None if done is None else done.rejected_to
    # Another run may have loaded this interval, with rejects elsewhere.
    if load.rejects is None or upload is None or upload.place != load.rejects.place:
        return
    yield Dataset(
        load.rejects.name,
        "TABLE",
        subsets=(_place(load.rejects.partition),),
        statistics=Statistics(upload.rows, None, upload.blocks),
    )
