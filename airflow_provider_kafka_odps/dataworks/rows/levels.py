"""The partition levels that each record of a job says: ``supportDynamicPartition`` with ``partitionColumnMapping``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.core.mapping.calls import quote
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.settings import Settings
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidJob


def routed(writer: Settings, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a job without those that are levels of the partition, and these as ``partition_by``.

    DataX writes a level's column as a text, or as what ``dateFormat`` makes of a time in ``srcDateFormat``; both are
    of one clock, so no zone has a part in it. Raises InvalidJob for what cannot be done, or not without a guess.
    """
    entries = writer.value("partitionColumnMapping")
    if not writer.switch("supportDynamicPartition", otherwise=False):
        if entries is not None:
            raise InvalidJob(f"{writer.where}.partitionColumnMapping is there, and supportDynamicPartition is not true")
        return dict(rows)
    refusals = Refusals()
    refusals.asked(_refuse_truncate, writer)
    by = refusals.asked(_levels, writer, entries, rows["columns"])
    refusals.raise_any()
    assert by is not None, "nothing is refused"
    taken = {name.lower() for name in by}
    columns = {name: source for name, source in rows["columns"].items() if name.lower() not in taken}
    return {**rows, "columns": columns, "partition_by": by}


def _refuse_truncate(writer: Settings) -> None:
    if writer.switch("truncate", otherwise=True):
        raise InvalidJob(
            f"{writer.where}.truncate is {'true' if writer.has('truncate') else 'missing, which means true'}, with "
            "supportDynamicPartition: each partition that a record touches would be emptied, a whole day for three "
            "late records. Set it to false"
        )


def _levels(writer: Settings, entries: object, columns: object) -> dict[str, str]:
    place = f"{writer.where}.partitionColumnMapping"
    if not isinstance(entries, list) or not entries or not all(isinstance(each, Mapping) for each in entries):
        raise InvalidJob(
            f"{place} is wanted with supportDynamicPartition, a list of the levels with their names: which of the "
            "columns are levels of the partition is not in the job otherwise"
        )
    if not isinstance(columns, Mapping):
        raise InvalidJob(f'{writer.where}.column is ["*"], which does not say which columns are levels: name them all')
    refusals, by = Refusals(), {}
    for number, entry in enumerate(entries):
        level = Settings(f"{place}[{number}]", entry)
        if found := refusals.asked(_level, level, columns):
            by[found[0]] = found[1]
    refusals.raise_any()
    return by


def _level(level: Settings, columns: Mapping[str, str]) -> tuple[str, str]:
    name, source, target = (level.fixed(key) for key in ("name", "srcDateFormat", "dateFormat"))
    known = {column.lower(): column for column in columns}
    if name is None or name.strip("`").lower() not in known:
        raise InvalidJob(f"{level.where}.name is {name!r}, which is none of the writer's columns")
    column = known[name.strip("`").lower()]
    text = columns[column]
    if target is None and source is None:
        return column, text
    if target is None:
        raise InvalidJob(f"{level.where} has srcDateFormat without dateFormat: what becomes of the time is not said")
    if source is None and text != "__timestamp__":
        raise InvalidJob(
            f"{level.where} has dateFormat without srcDateFormat: how the times of {text} are written is not in the job"
        )
    _check(level, "dateFormat", target)
    if source is None:
        return column, f"__timestamp__ | format({quote(target)})"
    _check(level, "srcDateFormat", source)
    return column, f"{text} | local_time({quote(source)}) | format({quote(target)})"


def _check(level: Settings, key: str, pattern: str) -> None:
    try:
        TimePattern.parse(pattern)
    except InvalidInput as problem:
        week = ". In Java, YYYY is the year of the week: the last days of December are in the next one" * (
            "YYYY" in pattern
        )
        twelve = ". In Java, hh is the hour from 1 to 12: night and afternoon are the same" * ("hh" in pattern)
        raise InvalidJob(f"{level.where}.{key}: {problem}{week}{twelve}") from None
