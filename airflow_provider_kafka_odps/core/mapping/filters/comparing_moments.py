"""Instants, local times and dates compared with texts that mean one, each read as a value of a column would be."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.conversions.leniency import STRICT, Leniency
from airflow_provider_kafka_odps.core.mapping.conversions.text import text_conversion
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidMapping

MOMENTS: Mapping[SourceKind, OdpsType] = {
    SourceKind.INSTANT: OdpsType("datetime"),
    SourceKind.NANOS: OdpsType("timestamp"),
    SourceKind.LOCAL: OdpsType("timestamp_ntz"),
    SourceKind.DATE: OdpsType("date"),
}
"""Kinds that are compared with such texts, and as what."""
_WANTED = {
    SourceKind.INSTANT: "an instant such as '2026-11-22T10:00:00.123Z'",
    SourceKind.NANOS: "an instant such as '2026-11-22T10:00:00Z'",
    SourceKind.LOCAL: "a local time such as '2026-11-22T10:00:00'",
    SourceKind.DATE: "a date such as '2026-11-22'",
}
_BY_CLOCK = "an instant such as '2026-11-22 10:00:00' by the clock of timezone, or '2026-11-22T10:00:00Z'"
_INSTANTS = frozenset({SourceKind.INSTANT, SourceKind.NANOS})


def constant_moment(kind: SourceKind, text: str, leniency: Leniency) -> pa.Array:
    """Return a column of the moment that a constant means, where it is compared with one of a kind.

    Raises InvalidMapping for a text that means none, such as a time without an offset in a load without a zone.
    """
    is_instant = kind in _INSTANTS
    # A lenient DATE would cut the time off, and a condition would then be about something else.
    constant, reason = _read(kind, text, leniency if is_instant else STRICT)
    if reason is None:
        return constant
    told = f"{text!r} is compared with {kind}, and"
    zone = leniency.zone
    if not is_instant or _read(kind, f"{text}Z", STRICT)[1] is not None:
        raise InvalidMapping(f"{told} is not {_WANTED[kind] if zone is None or not is_instant else _BY_CLOCK}")
    if zone is not None:
        raise InvalidMapping(f"{told} by the clock of {zone}: {reason}")
    raise InvalidMapping(
        f"{told} its offset is missing; write '{text}+08:00', or say by which clock it is meant, as in "
        "timezone='Asia/Shanghai'"
    )


def _read(kind: SourceKind, text: str, leniency: Leniency) -> tuple[pa.Array, str | None]:
    """Return a column of the moment, or why there is none."""
    conversion = text_conversion(MOMENTS[kind], leniency)
    assert conversion is not None, "texts can be moments"
    constant, problems = conversion.apply(pa.array([text]))
    return constant, problems[0].reason if problems else None
