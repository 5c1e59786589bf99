"""Which records the user wants, as he has written it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.core.options import OnUnclear


@dataclass(frozen=True, slots=True)
class Wanted:
    """A condition, and what becomes of records of which it cannot tell; it is compiled once per load and process."""

    where: str | None = None
    """None: all records."""
    on_unclear: OnUnclear = OnUnclear.REJECT


EVERYTHING = Wanted()
