"""The levels of a partition: the leading ones may be given, and each record says the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName, check_identifier
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

RoutesInput: TypeAlias = "Mapping[str, str] | str"
"""``{"ds": "created_at | date('Asia/Shanghai')"}``, or the same as JSON."""


_LEVEL_TYPES = frozenset({"string", "varchar", "tinyint", "smallint", "int", "bigint"})
"""Types of partition columns whose values can be said as texts and numbers without a doubt."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the rows of a load go: some given levels, and behind them some that each record says."""

    given: PartitionSpec | None
    """The leading levels, the same for the whole load; None: there are none."""
    by: Mapping[str, str]
    """Column → source expression of the levels behind them, outermost first."""

    def __post_init__(self) -> None:
        """Refuse no level at all, names that are none, and a level twice."""
        names = [name.lower() for name, _ in self._given] + [name.lower() for name in self.by]
        if not self.by or len(set(names)) < len(names):
            raise InvalidInput(
                f"partition_by={dict(self.by)!r} needs each level once that partition does not give: "
                "partition_by={'ds': \"created_at | date('Asia/Shanghai')\"}"
            )
        for name in self.by:
            check_identifier(name, "partition column")

    @property
    def _given(self) -> Sequence[tuple[str, str]]:
        return self.given.levels if self.given else ()

    @property
    def names(self) -> tuple[str, ...]:
        """The levels that records say, outermost first, as the table spells them."""
        return tuple(name.lower() for name in self.by)

    def __str__(self) -> str:
        """Return what stands in the place of a partition: ``region=cn,ds=*``."""
        return ",".join([*(f"{name}={value}" for name, value in self._given), *(f"{name}=*" for name in self.names)])

    def partition(self, values: Sequence[object]) -> PartitionSpec:
        """Return the partition of rows that have these values in the levels that records say."""
        said = zip(self.names, map(str, values), strict=True)
        return PartitionSpec((*self._given, *said))

    def check(self, table: TableName, schema: TableSchema) -> None:
        """Raise TableRefused unless these are the levels of the table, in their order, of types that can be named."""
        schema.refuse_computed(table)
        levels = [column.name.lower() for column in schema.partition_columns]
        given = [name.lower() for name, _ in self._given]
        said = f"partition_by names {', '.join(self.by)}"
        if not levels:
            raise TableRefused(f"{table} is not partitioned, but {said}; leave it out")
        by = f"{table} is partitioned by {', '.join(levels)}"
        if strange := [name for name in (*given, *self.names) if name not in levels]:
            raise TableRefused(f"{by}, and {', '.join(strange)} is no level of it")
        if missing := [name for name in levels if name not in given and name not in self.names]:
            raise TableRefused(f"{by}, and nothing says {', '.join(missing)}: add it to partition_by, or to partition")
        if given != levels[: len(given)]:
            behind = next(name for name, level in zip(given, levels, strict=False) if name != level)
            raise TableRefused(
                f"{by}: {behind} is given by partition, and stands behind a level that records say. Levels that are "
                f"given come first; put it into partition_by as a constant, {{{behind!r}: \"'…'\"}}"
            )
        if schema.clustered:
            raise TableRefused(
                f"{table} is clustered, and MaxCompute takes no dynamic partitions there: load into a table that is "
                "not, or into one partition per load, with partition"
            )
        if [*given, *self.names] != levels:
            raise TableRefused(f"{by}, and {said}: name the levels in the table's order")
        for column in schema.partition_columns:
            if column.type.name not in _LEVEL_TYPES:
                raise TableRefused(
                    f"{table}: level {column.name} is {column.type}, of which this release cannot tell how the service "
                    f"names its partitions; levels by record are {', '.join(sorted(_LEVEL_TYPES))}"
                )

    def columns(self, schema: TableSchema) -> tuple[Column, ...]:
        """Return the table's columns of the levels that records say."""
        return tuple(column for column in schema.partition_columns if column.name.lower() in self.names)

    def created_levels(self) -> tuple[Column, ...]:
        """Return the partition columns of a table that is created for these: STRING, as is usual."""
        return tuple(Column(name, OdpsType("string")) for name in [*(name for name, _ in self._given), *self.names])


def parse_routes(asked: RoutesInput | None, given: PartitionSpec | None) -> Routes | None:
    """Return where rows go by what ``partition_by`` says behind a partition's given levels; None: it says nothing.

    Raises InvalidInput for what is no mapping of levels to source expressions.

    >>> str(parse_routes('{"ds": "day"}', PartitionSpec.parse("region=cn")))
    'region=cn,ds=*'
    """
    if not asked:
        return None
    try:
        by = json.loads(asked) if isinstance(asked, str) else asked
    except ValueError as error:
        raise InvalidInput(f"partition_by={asked!r} is no JSON: {error}") from None
    if not isinstance(by, Mapping) or not all(isinstance(part, str) for pair in by.items() for part in pair):
        raise InvalidInput(
            f"partition_by={asked!r}: a mapping of partition columns to source expressions is wanted, such as "
            "{'ds': \"created_at | date('Asia/Shanghai')\"}"
        )
    return Routes(given, dict(by))
