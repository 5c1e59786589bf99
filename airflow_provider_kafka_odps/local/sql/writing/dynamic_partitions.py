"""What an INSERT may make of partitions that its rows name: their values, and how many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_provider_kafka_odps.local.catalog.model import Spec, Table
from airflow_provider_kafka_odps.local.errors import SqlError

MOST_OF_A_JOB = 10_000
"""Partitions that one statement may write. Source: the service's limits of SQL."""


MOST_OF_A_TABLE = 60_000


_LONGEST = 255


def check_values(values: Mapping[str, str | None]) -> None:
    """Refuse values that name no partition: NULL, nothing, what is not ASCII, more than 255 bytes.

    Raises SqlError (ODPS-0123031).
    """
    for name, value in values.items():
        if not value or not value.isascii() or len(value) > _LONGEST:
            shown = "NULL" if value is None else value[:_LONGEST]
            raise SqlError("ODPS-0123031", f"Partition exception - invalid dynamic partition value: {name}={shown}")


def check_many(table: Table, written: Iterable[Spec]) -> None:
    """Refuse more partitions than the service writes by one statement, or keeps of one table.

    Raises SqlError (ODPS-0123031).
    """
    specs = set(written)
    if len(specs) > MOST_OF_A_JOB:
        raise SqlError(
            "ODPS-0123031",
            f"Partition exception - a single instance cannot output data to more than {MOST_OF_A_JOB} partitions",
        )
    if len(specs.union(table.partitions)) > MOST_OF_A_TABLE:
        raise SqlError("ODPS-0123031", f"Partition exception - maximum {MOST_OF_A_TABLE} partitions allowed")
