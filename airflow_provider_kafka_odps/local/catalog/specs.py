"""Partition specs: read from the texts that clients send, brought into the table's order."""

from __future__ import annotations

import re

from airflow_provider_kafka_odps.local.catalog.model import WHOLE, Spec, Table
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.wire.types import Kind

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)


_BLANKS = re.compile(r"\s*+")


_END = re.compile(r"[,/]|$")


_INTEGERS = frozenset({Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT})


def read_spec(text: str) -> dict[str, str]:
    """Read `ds=a,hh='1'` (tunnel: bare values, REST: quoted ones, commas or slashes) into names and values.

    Raises ServiceError (InvalidPartitionSpec).
    """
    parts: dict[str, str] = {}
    at = 0
    while at < len(text):
        equals = text.find("=", at)
        name = text[at : max(equals, at)]
        clean = name.strip().strip("`").lower()
        if not clean or "," in name or "/" in name:
            raise ServiceError(400, "InvalidPartitionSpec", f"The specified partition is not valid: {text[:200]!r}")
        parts[clean], at = _read_value(text, equals + 1)
    return parts


def _read_value(text: str, start: int) -> tuple[str, int]:
    """Return the value that begins at `start`, and where the next part does."""
    first = _after_blanks(text, start)
    quoted = _QUOTED.match(text, first)
    if quoted is not None:
        end = _after_blanks(text, quoted.end())
        if text[end : end + 1] in ("", ",", "/"):
            value = quoted[1] if quoted[1] is not None else quoted[2]
            return re.sub(r"\\(.)", r"\1", value), end + 1
    end = _first(text, first)
    return text[first:end].rstrip(), end + 1


def _after_blanks(text: str, start: int) -> int:
    found = _BLANKS.match(text, start)
    return found.end() if found is not None else start


def _first(text: str, start: int) -> int:
    found = _END.search(text, start)
    return found.start() if found is not None else len(text)


def full_spec(table: Table, text: str | None) -> Spec:
    """Return the spec that `text` names, complete and in the table's order; WHOLE for a plain table.

    Raises ServiceError: MissingPartitionSpec, InvalidPartitionSpec.
    """
    parts = read_spec(text) if text else {}
    if not table.partition_columns:
        if parts:
            raise ServiceError(400, "InvalidPartitionSpec", f"{table.name} has no partitions, but {text!r} was given")
        return WHOLE
    if not parts:
        raise ServiceError(400, "MissingPartitionSpec", f"{table.name} is partitioned: a partition must be named")
    return complete_spec(table, parts)


def complete_spec(table: Table, parts: dict[str, str]) -> Spec:
    """Return the spec with these values, in the table's order.

    Raises ServiceError (InvalidPartitionSpec) when a column is missing, unknown, empty or no integer.
    """
    wanted = [column.name for column in table.partition_columns]
    if sorted(parts) != sorted(wanted):
        raise ServiceError(
            400,
            "InvalidPartitionSpec",
            f"{table.name} is partitioned by {', '.join(wanted)}, but {', '.join(parts) or 'nothing'} was given",
        )
    return tuple((c.name, _normal(parts[c.name], c.name, c.type.kind)) for c in table.partition_columns)


def _normal(value: str, name: str, kind: Kind) -> str:
    if not value:
        raise ServiceError(400, "InvalidPartitionSpec", f"the value of partition column {name} is empty")
    if kind in _INTEGERS:
        try:
            return str(int(value))
        except ValueError:
            raise ServiceError(
                400, "InvalidPartitionSpec", f"partition column {name} is {kind.value}, but its value is {value!r}"
            ) from None
    return value
