"""What the reader of a job says about the window: which offsets of which partitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_kafka_odps.dataworks.clock import Clock
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.settings import Settings
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_STARTS = {"seektobeginning": "earliest", "seektoend": "latest", "seektolast": "committed"}


_TYPES = {"earliest": "earliest", "latest": "latest", "current": "committed", "specific": None}


def read_window(reader: Settings, clock: Clock) -> dict[str, Any]:
    """Return the operator's arguments for the reader's range: start, end, partitions, and what may be missing.

    Raises InvalidJob where the job gives no range, two, or one that needs a guess.
    """
    refusals = Refusals()
    start, end = refusals.asked(_start, reader, clock), refusals.asked(_end, reader, clock)
    arguments: dict[str, Any] = {"start": start, "end": end}
    if isinstance(start, int | Template) or isinstance(end, int | Template):
        # One range stands for every partition, so it is longer than the log of most. A template is an offset that only
        # the run knows; for anything else that it may turn out to be, this says nothing.
        arguments["on_short_log"] = "clamp"
    arguments |= refusals.asked(_reset, reader, start) or {}
    arguments |= refusals.asked(_partitions, reader) or {}
    refusals.raise_any()
    return arguments


def _reset(reader: Settings, start: str | int | None) -> dict[str, Any]:
    match (reader.fixed("autoOffsetReset") or "none").lower():
        case "none" | "latest":
            return {}
        case "earliest" if start == "committed":
            return {"first_start": "earliest"}
        case "earliest":
            return {"on_data_loss": "skip"}
        case other:
            raise InvalidJob(f"{reader.where}.autoOffsetReset is {other!r}; none, earliest and latest are known")


def _partitions(reader: Settings) -> dict[str, Any]:
    match reader.text("partition"):
        case None:
            return {}
        case Template() as template:
            return {"partitions": template}
        case _:
            return {"partitions": [reader.whole("partition")]}


def _start(reader: Settings, clock: Clock) -> str | int:
    offset = reader.text("beginOffset")
    word = None if offset is None else _STARTS.get(offset.lower())
    given = {
        "beginOffset": word or _offset(reader, "beginOffset"),
        "beginDateTime": clock.moment(reader, "beginDateTime"),
        "beginTimestampMillis": _millis(reader, "beginTimestampMillis"),
        "beginType": _typed(reader, "beginType"),
    }
    return _only(reader, given, "start")


def _end(reader: Settings, clock: Clock) -> str | int:
    given = {
        "endOffset": _offset(reader, "endOffset"),
        "endDateTime": clock.moment(reader, "endDateTime"),
        "endTimestampMillis": _millis(reader, "endTimestampMillis"),
        "endType": _typed(reader, "endType"),
    }
    if reader.switch("stopWhenPollEmpty", otherwise=False) and not any(each is not None for each in given.values()):
        # "Until nothing comes any more" has no end that two runs agree on; the log's end at planning is one.
        return "latest"
    return _only(reader, given, "end")


def _only(reader: Settings, given: Mapping[str, str | int | None], side: str) -> str | int:
    found = {key: bound for key, bound in given.items() if bound is not None}
    if len(found) != 1:
        raise InvalidJob(
            f"{reader.where} has {' and '.join(found) or 'nothing'} to say where the window's {side} is; "
            f"exactly one of {', '.join(given)} is wanted"
        )
    return next(iter(found.values()))


def _offset(reader: Settings, key: str) -> str | int | None:
    text = reader.text(key)
    if isinstance(text, Template):
        return text
    offset = reader.whole(key) if (text or "").lower() not in _STARTS else None
    if offset is not None and offset < 0:
        raise InvalidJob(f"{reader.where}.{key} is {offset}; an offset is not negative")
    return offset


def _millis(reader: Settings, key: str) -> str | None:
    millis = reader.whole(key)
    return None if millis is None else (_EPOCH + timedelta(milliseconds=millis)).isoformat()


def _typed(reader: Settings, key: str) -> str | None:
    word = reader.fixed(key)
    if word is None:
        return None
    if word.lower() not in _TYPES:
        raise InvalidJob(f"{reader.where}.{key} is {word!r}; {', '.join(_TYPES)} are known")
    return _TYPES[word.lower()]
