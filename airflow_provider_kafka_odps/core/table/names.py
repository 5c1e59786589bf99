"""Names of tables and partitions, as users write them and as MaxCompute wants them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_kafka_odps.exceptions import InvalidInput

PartitionInput: TypeAlias = "str | Mapping[str, str | int]"
"""``"ds=20261122,hh=10"`` or ``{"ds": "20261122", "hh": 10}``; values may have directives such as ``%Y%m%d``."""


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")


# What stands between quotes in DDL and unquoted in tunnel addresses: no quotes, separators or control characters.
# And no +, which PyODPS signs as a blank, so that the service refuses its every request.
_PARTITION_VALUE = re.compile(r"[A-Za-z0-9 _:.\-$#!@]{1,255}\Z")


# A blank at an end would be lost where partitions are written as text.
_OUTER_BLANK = re.compile(r"^ | $")


def is_partition_value(text: str) -> bool:
    """Tell whether a text can be the value of a partition's level, and is the same wherever it is written."""
    return bool(_PARTITION_VALUE.match(text)) and not _OUTER_BLANK.search(text)


def check_identifier(name: str, what: str) -> str:
    """Return ``name`` if MaxCompute takes it as a name without surprises; raise InvalidInput otherwise."""
    if not _IDENTIFIER.match(name):
        raise InvalidInput(
            f"{what} {name!r} is no MaxCompute name: letters, digits and _ only, not starting with a digit, up to 128"
        )
    return name


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, with the project and schema where they were given."""

    name: str
    project: str | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that would need quoting, or would be something else than a name."""
        check_identifier(self.name, "table")
        for part in (self.project, self.schema):
            if part is not None:
                check_identifier(part, "project or schema of the table")

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Read ``t``, ``project.t`` or ``project.schema.t``; ``.schema.t`` is in the connection's project."""
        match text.strip().split("."):
            case [name]:
                return cls(name)
            case [project, name]:
                return cls(name, project)
            case ["", schema, name]:
                return cls(name, None, schema)
            case [project, schema, name]:
                return cls(name, project, schema)
            case _:
                raise InvalidInput(
                    f"table={text!r} is no table name; write t, project.t, project.schema.t, or .schema.t for a schema "
                    "of the connection's project"
                )

    def __str__(self) -> str:
        parts = (self.project, self.schema, self.name)
        return ("." if self.schema and not self.project else "") + ".".join(part for part in parts if part)

    @property
    def quoted(self) -> str:
        """The name as statements have it, each part in backquotes."""
        return ".".join(f"`{part}`" for part in (self.project, self.schema, self.name) if part)


def parse_levels(asked: PartitionInput) -> tuple[tuple[str, str], ...]:
    """Return column and value per level of what a user has written as a partition; the values are not looked at."""
    if isinstance(asked, Mapping):
        for name, value in asked.items():
            # `None` would become a partition of that name; a template that found nothing gives one.
            if isinstance(value, bool) or not isinstance(value, (str, int)):
                raise InvalidInput(f"partition {name}={value!r}: a value is text or a whole number")
        return tuple((str(name), str(value)) for name, value in asked.items())
    levels = []
    for level in re.split(r"[,/]", asked):
        name, equals, value = level.partition("=")
        if not equals:
            raise InvalidInput(f"partition={asked!r}: {level!r} is not column=value, such as ds=20261122,hh=10")
        levels.append((name.strip(), value.strip().strip("'\"")))
    return tuple(levels)


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """One partition of a table: column and value per level, outermost first."""

    levels: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Refuse an empty spec, a column twice, and values that would not survive an address or a statement."""
        names = [name.lower() for name, _ in self.levels]
        if not names or len(set(names)) < len(names):
            raise InvalidInput(f"partition {self} needs each partition column once, such as ds=20261122,hh=10")
        for name, value in self.levels:
            check_identifier(name, "partition column")
            if not _PARTITION_VALUE.match(value):
                raise InvalidInput(
                    f"partition {name}={value!r}: a value is 1 to 255 of letters, digits, space and _:.-$#!@"
                )

    @classmethod
    def parse(cls, asked: PartitionInput) -> PartitionSpec:
        """Read a mapping, or text such as ``ds=20261122,hh=10``, ``ds='20261122'/hh='10'``."""
        return cls(parse_levels(asked))

    def __str__(self) -> str:
        """Return the form that tunnel addresses take: unquoted, separated by commas."""
        return ",".join(f"{name}={value}" for name, value in self.levels)

    @property
    def ddl(self) -> str:
        """The form that statements take: ``ds='20261122', hh='10'``."""
        return ", ".join(f"`{name}`='{value}'" for name, value in self.levels)
