"""The parameters of a load: what a DAG's author wrote, checked, and frozen once it is rendered."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.load.resources import AUTO, MOST_WORKERS, Resources
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.options import (
    Compression,
    Conversions,
    IsolationLevel,
    Mode,
    OnBadJson,
    OnDataLoss,
    OnFewerRows,
    OnGap,
    OnRerun,
    OnSchemaDrift,
    OnShortLog,
    OnTimestampAhead,
    OnUnclear,
    choice,
    partitions_allowed,
    seconds,
)
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_kafka_odps.core.accounting.tolerance import ToleranceInput
    from airflow_provider_kafka_odps.core.mapping.compiler import ColumnInput
    from airflow_provider_kafka_odps.core.routing.routes import RoutesInput
    from airflow_provider_kafka_odps.core.table.names import PartitionInput
    from airflow_provider_kafka_odps.core.window.parsing import BoundInput


@dataclass(frozen=True, slots=True)
class What:
    """What is read of the topic, and how a record becomes a row."""

    topic: str
    columns: ColumnInput | None
    key_type: Format
    value_type: Format
    encoding: str
    field_delimiter: str
    empty_as_null: bool
    conversions: Conversions
    timezone: str | None
    where: str | None


@dataclass(frozen=True, slots=True)
class FromWhere:
    """Which offsets."""

    start: BoundInput
    end: BoundInput
    first_start: BoundInput | None
    max_offsets: int | None
    partitions: Sequence[int] | str | None
    isolation_level: IsolationLevel
    kafka_config_id: str
    group_id: str | None


@dataclass(frozen=True, slots=True)
class ToWhere:
    """Which table."""

    table: str
    partition: PartitionInput | None
    partition_timezone: str
    partition_by: RoutesInput | None
    max_partitions: int
    partitions_within_interval: bool
    staging_table: str | None
    mode: Mode
    create_table: bool
    column_types: Mapping[str, str] | str | None
    lifecycle: int | None
    maxcompute_conn_id: str
    project: str | None
    endpoint: str | None
    quota_name: str | None
    asset: Asset | None
    partition_events: bool


@dataclass(frozen=True, slots=True)
class Unfitting:
    """What to do with what does not fit."""

    on_bad_json: OnBadJson
    on_unclear: OnUnclear
    max_rejects: ToleranceInput
    rejects_table: str | None
    rejects_path: str | None
    on_schema_drift: OnSchemaDrift
    on_short_log: OnShortLog
    on_gap: OnGap
    on_data_loss: OnDataLoss
    on_timestamp_ahead: OnTimestampAhead

    @property
    def keep_rejects(self) -> bool:
        """Whether rejects are written somewhere."""
        return bool(self.rejects_table or self.rejects_path)


@dataclass(frozen=True, slots=True)
class HowFast:
    """What the load may take."""

    concurrency: int | str
    workers: int | str
    max_memory: int | str
    max_bytes_per_second: int | str | None
    compression: Compression
    poll_timeout: float
    block_timeout: float
    load_timeout: float


@dataclass(frozen=True, slots=True)
class HowSure:
    """What is done around the commit."""

    commit_timeout: float
    on_rerun: OnRerun
    on_fewer_rows: OnFewerRows
    reconcile: bool
    commit_to_group: bool


@dataclass(frozen=True, slots=True)
class LoadParameters:
    """All parameters of a load, by what one wants with them."""

    what: What
    from_where: FromWhere
    to_where: ToWhere
    unfitting: Unfitting
    how_fast: HowFast
    how_sure: HowSure

    @classmethod
    def frozen(cls, rendered: Mapping[str, Any]) -> LoadParameters:
        """Return the rendered parameters as one value; ``rendered`` may have other things, too."""
        groups: list[Any] = [group(**{each.name: rendered[each.name] for each in fields(group)}) for group in GROUPS]
        return cls(*groups)

    @property
    def record_format(self) -> RecordFormat:
        """How keys and values are read."""
        what = self.what
        return RecordFormat(
            what.key_type,
            what.value_type,
            what.encoding,
            what.field_delimiter,
            what.empty_as_null,
            self.unfitting.on_bad_json,
            what.conversions,
            what.timezone or None,
        )

    @property
    def filtering(self) -> Wanted:
        """Which records are loaded."""
        return Wanted(self.what.where or None, self.unfitting.on_unclear)


GROUPS = (What, FromWhere, ToWhere, Unfitting, HowFast, HowSure)
"""In the order in which parameters are documented."""


NAMES = tuple(each.name for group in GROUPS for each in fields(group))
"""Of all parameters."""


_CHOICES: Mapping[str, type[StrEnum]] = {
    "key_type": Format,
    "value_type": Format,
    "conversions": Conversions,
    "isolation_level": IsolationLevel,
    "mode": Mode,
    "on_bad_json": OnBadJson,
    "on_unclear": OnUnclear,
    "on_schema_drift": OnSchemaDrift,
    "on_short_log": OnShortLog,
    "on_gap": OnGap,
    "on_data_loss": OnDataLoss,
    "on_timestamp_ahead": OnTimestampAhead,
    "compression": Compression,
    "on_rerun": OnRerun,
    "on_fewer_rows": OnFewerRows,
}


_SECONDS = ("poll_timeout", "block_timeout", "load_timeout", "commit_timeout")


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters among what was given, choices as members and seconds as numbers.

    What can be said before anything is rendered is said here, while the DAG's file is parsed.
    Raises InvalidInput with the name of the parameter, and what it takes.
    """
    choices = {name: choice(kind, given[name], name) for name, kind in _CHOICES.items()}
    deadlines = {name: seconds(given[name], name) for name in _SECONDS}
    parameters = {name: given[name] for name in NAMES} | choices | deadlines
    zone_of(parameters["partition_timezone"], "partition_timezone")
    partitions_allowed(parameters["max_partitions"])
    _check_routed(parameters)
    # It refuses what makes no sense together.
    _ = LoadParameters.frozen(parameters).record_format
    return parameters


def _check_routed(parameters: Mapping[str, Any]) -> None:
    """Raise InvalidInput for what a load whose records say their partitions does not do."""
    overwrites, own = parameters["mode"] is Mode.OVERWRITE, parameters["partitions_within_interval"]
    if parameters["partition_by"] and overwrites and not own:
        raise InvalidInput(
            "mode='overwrite' and partition_by: it would replace each partition that a record of the window belongs "
            "to, so three late records would replace a whole day by themselves. Use mode='append'; or name one "
            "partition, partition='ds=%Y%m%d', and overwrite that; or, if each partition is a part of one interval and "
            "records of other times are to be rejects, add partitions_within_interval=True"
        )
    if own and not (parameters["partition_by"] and overwrites):
        raise InvalidInput(
            "partitions_within_interval=True is for mode='overwrite' and partition_by: it keeps records of other times "
            "out of partitions that are overwritten. Leave it out, or add these"
        )


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]?i?)b?\s*", re.IGNORECASE)


def parse_bytes(asked: int | str, parameter: str) -> int:
    """Return a number of bytes: ``268435456``, ``"256MB"`` (millions), ``"256MiB"``.

    >>> parse_bytes("1.5 MB", "max_memory")
    1500000
    """
    found = _AMOUNT.fullmatch(str(asked))
    if found is None or found[2].lower() not in _UNITS or isinstance(asked, bool):
        raise InvalidInput(f'{parameter}={asked!r} is no amount of bytes: write a number, or "256MB" or "256MiB"')
    return int(float(found[1]) * _UNITS[found[2].lower()])


def parse_count(asked: int | str, parameter: str) -> int | None:
    """Return a number that the load may choose; None where it does.

    >>> parse_count("auto", "concurrency"), parse_count("4", "concurrency"), parse_count(0, "concurrency")
    (None, 4, 0)
    """
    text = str(asked).strip()
    if text == AUTO:
        return None
    if isinstance(asked, bool) or not re.fullmatch(r"-?[0-9]+", text):
        raise InvalidInput(f'{parameter}={asked!r} is no number: write one, such as 4, or "{AUTO}"')
    return int(text)


def resources_of(fast: HowFast) -> Resources:
    """Return what a load may take; raise InvalidInput for what is no amount, or too little."""
    rate, workers = fast.max_bytes_per_second, parse_count(fast.workers, "workers")
    return Resources.within(
        parse_bytes(fast.max_memory, "max_memory"),
        concurrency=parse_count(fast.concurrency, "concurrency"),
        # The window says how many of them are worth their start.
        workers=max(1, min(cores(), MOST_WORKERS)) if workers is None else workers,
        cores=cores(),
        max_bytes_per_second=None if rate is None else parse_bytes(rate, "max_bytes_per_second"),
    )


def cores() -> int:
    """Return how many cores this process may use; some systems only know how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
