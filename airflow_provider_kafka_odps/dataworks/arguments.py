"""A job becomes the arguments of ``KafkaToMaxComputeOperator``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources
from airflow_provider_kafka_odps.dataworks.clock import Clock
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.reading import read_window
from airflow_provider_kafka_odps.dataworks.refusals import Refusals, gathered
from airflow_provider_kafka_odps.dataworks.rows.columns import job_rows
from airflow_provider_kafka_odps.dataworks.rows.levels import routed
from airflow_provider_kafka_odps.dataworks.settings import Settings
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob

_TYPES = {
    "bytearray": "bytes",
    "double": "double",
    "float": "float",
    "integer": "integer",
    "long": "long",
    "short": "short",
    "string": "string",
}


_MEBIBYTE = 1024 * 1024


_REFUSED = {
    "preSql": "a statement before the load is a task of its own, upstream of this one",
    "postSql": "a statement after the load is a task of its own, downstream of this one",
}


def operator_arguments(
    job: Job,
    *,
    timezone: str | None = None,
    variables: Mapping[str, str] | None = None,
    max_memory: int = MAX_MEMORY,
) -> dict[str, Any]:
    """Return the keyword arguments that make the operator do what the job says, but for its task id.

    ``timezone`` is the zone of times and variables of a job that names none; ``variables`` has what the job's schedule
    assigns to its own variables. Schedule variables become templates. ``max_memory`` is what the load may use: a
    ``concurrent`` for which it is too little becomes the most that fits.
    Raises InvalidJob, with each place in the JSON, for all that cannot be done, or not without a guess.
    """
    refusals = Refusals(job.refused)
    read = refusals.asked(rendered, job, timezone, variables)
    arguments = read and refusals.asked(_arguments, *read, max_memory)
    refusals.raise_any()
    assert arguments is not None, "nothing is refused"
    return {name: _plain(value) for name, value in arguments.items()}


def _arguments(job: Job, clock: Clock, max_memory: int) -> dict[str, Any]:
    return gathered(
        lambda: {"topic": _wanted(job.reader.text("topic"), job.reader, "topic")},
        lambda: {"table": _table(job.writer)},
        lambda: {"partition": job.writer.text("partition")},
        lambda: routed(job.writer, job_rows(job, clock.render)),
        lambda: read_window(job.reader, clock),
        lambda: _patience(job.reader),
        lambda: _types(job.reader),
        lambda: _conversions(job.common, clock),
        lambda: _writing(job.writer),
        lambda: _limits(job.setting),
        lambda: _concurrency(job.setting, max_memory),
        lambda: {"kafka_config_id": job.reader.fixed("datasource") or "kafka_default"},
        lambda: {"maxcompute_conn_id": job.writer.fixed("datasource") or "maxcompute_default"},
    )


def rendered(job: Job, timezone: str | None, variables: Mapping[str, str] | None) -> tuple[Job, Clock]:
    """Return the job with its variables as templates and constants, and the clock by which they are meant."""
    clock = Clock(job, timezone, variables)
    return job.with_variables(clock.render), clock


def _plain(value: Any) -> Any:
    """Return the value with templates as the texts that they are."""
    match value:
        case Template():
            return str(value)
        case list():
            return list(map(_plain, value))
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case _:
            return value


def _wanted(found: str | None, settings: Settings, key: str) -> str:
    if found is None:
        raise InvalidJob(f"{settings.where}.{key} is missing")
    return found


# A template has dots of its own.
_DOT = re.compile(r"\.(?![^{}]*\}\})")


def _table(writer: Settings) -> str:
    table = _wanted(writer.text("table"), writer, "table").replace("`", "")
    schema, project = writer.text("schema"), writer.text("project")
    if schema and not project:
        # Of the connection's project, unless the table has it.
        project, *names = _DOT.split(table) if _DOT.search(table) else ("", table)
        return ".".join([project, schema, *names])
    return ".".join(part for part in (project, schema, table) if part)


def _types(reader: Settings) -> dict[str, Any]:
    return gathered(
        lambda: {"key_type": _type(reader, "keyType")},
        lambda: {"value_type": _type(reader, "valueType")},
        # `123` and `abc` are values of the guide's own topic: they are loaded, without fields.
        lambda: {"on_bad_json": "null"},
        lambda: _refuse_split_values(reader),
        lambda: _encoding(reader),
    )


def _encoding(reader: Settings) -> dict[str, Any]:
    encoding = reader.fixed("encoding")
    usual = encoding is None or encoding.lower().replace("-", "") == "utf8"
    return {} if usual else {"encoding": encoding}


def _refuse_split_values(reader: Settings) -> dict[str, Any]:
    """Raise InvalidJob for columns that are fields between delimiters: the reader's page does not say which is which.

    Parts of the record and constants are the same whatever the format of values is, and JSON has no delimiter.
    """
    form, delimiter = reader.fixed("dataFormat"), reader.raw("fieldDelimiter")
    if (form or "").lower() == "json" or (form is None and delimiter in (None, "")):
        return {}
    fields = [column for column in reader.names("column") if not column.startswith(("'", "__"))]
    if fields:
        raise InvalidJob(
            f"{reader.where}.dataFormat is {form!r} with fieldDelimiter {delimiter!r}; values that are split by a "
            f"delimiter have no names for their fields, so {fields[0]!r} is none: write the operator by hand, with "
            "value_type='csv' or 'delimited', field_delimiter= and columns such as '__value__[0]'"
        )
    return {}


# What DataX takes for these unless the job says otherwise; other patterns are other times.
_USUAL_FORMATS = {
    "datetimeFormat": "yyyy-MM-dd HH:mm:ss",
    "dateFormat": "yyyy-MM-dd",
    "timeFormat": "HH:mm:ss",
    "encoding": "utf-8",
    "extraFormats": "",
}


def _conversions(common: Settings, clock: Clock) -> dict[str, Any]:
    """Return how values are converted: as DataX does, and times without an offset by the job's clock."""
    seen = {key: common.value(key) or usual for key, usual in _USUAL_FORMATS.items()}
    problems = [
        f"{common.where}.{key} is {seen[key]!r}; other formats than {usual!r} are functions behind a column here, such "
        "as created_at | time('yyyyMMddHHmmss')"
        for key, usual in _USUAL_FORMATS.items()
        if str(seen[key]).lower() != usual.lower()
    ]
    problems += [f"{key} is not known here, and may change how values are converted" for key in common.unknown()]
    if problems:
        raise InvalidJob(*problems)
    arguments = {"conversions": "lenient"}
    return arguments if clock.of_values is None else arguments | {"timezone": clock.of_values}


def _patience(reader: Settings) -> dict[str, Any]:
    """Return what of the consumer's properties has a meaning here; a connection has the others."""
    properties = reader.section("kafkaConfig")
    found = gathered(
        lambda: {"poll_timeout": reader.number("waitTime") or reader.number("waitTIme")},
        lambda: {"isolation_level": properties.fixed("isolation.level")},
        lambda: {"group_id": reader.text("groupId") or properties.text("group.id")},
    )
    return {name: value for name, value in found.items() if value is not None}


def _type(reader: Settings, key: str) -> str:
    written = reader.fixed(key) or "bytearray"
    if written.lower() not in _TYPES:
        raise InvalidJob(f"{reader.where}.{key} is {written!r}; known are {', '.join(_TYPES)}, in any case")
    return _TYPES[written.lower()]


def _writing(writer: Settings) -> dict[str, Any]:
    compress = "compress" if writer.has("compress") else "isCompress"
    found = gathered(
        lambda: _refuse_writing(writer),
        lambda: {"mode": "overwrite" if writer.switch("truncate", otherwise=True) else "append"},
        lambda: {"empty_as_null": writer.switch("emptyAsNull", otherwise=False)},
        lambda: {"compression": "zlib" if writer.switch(compress, otherwise=False) else "none"},
        lambda: {"quota_name": writer.text("tunnelQuota")},
    )
    left_out = {"quota_name": found["quota_name"] is None, "compression": not writer.has(compress)}
    return {name: value for name, value in found.items() if not left_out.get(name)}


def _refuse_writing(writer: Settings) -> dict[str, Any]:
    """Raise InvalidJob for all ways of writing that this operator does not have."""
    problems = [
        f"{writer.where}.{key} cannot be run: {instead}"
        for key, instead in _REFUSED.items()
        if writer.value(key) is not None
    ]
    write_mode = writer.fixed("writeMode")
    if write_mode is not None and write_mode.lower() not in ("append", "insert"):
        problems.append(f"{writer.where}.writeMode is {write_mode!r}; 'append' is known, and truncate says the rest")
    if problems:
        raise InvalidJob(*problems)
    return {}


def _limits(setting: Settings) -> dict[str, Any]:
    return gathered(lambda: {"max_rejects": _max_rejects(setting.section("errorLimit"))}, lambda: _throttle(setting))


def _throttle(setting: Settings) -> dict[str, Any]:
    speed = setting.section("speed")
    if speed.switch("throttle", otherwise=False) and (mbps := speed.number("mbps")):
        return {"max_bytes_per_second": int(mbps * _MEBIBYTE)}
    byte = speed.whole("byte")
    return {} if byte is None or byte <= 0 else {"max_bytes_per_second": byte}


def concurrency_asked(setting: Settings) -> int | None:
    """Return how many blocks at a time the job asks for."""
    speed = setting.section("speed")
    asked = speed.whole("concurrent") or speed.whole("channel")
    return None if asked is None else max(1, asked)


def _concurrency(setting: Settings, max_memory: int) -> dict[str, Any]:
    asked = concurrency_asked(setting)
    if asked is None:
        return {}
    # Memory that is too little for one is refused by the load itself.
    return {"concurrency": min(asked, max(1, Resources.most_concurrency(max_memory)))}


def _max_rejects(limit: Settings) -> int | str:
    """Return the limit; as in DataX a count beats a percentage, and an empty one is none at all."""
    match (limit.fixed("strategy") or "").lower():
        case "ignore":
            return "unlimited"
        case "zerotolerance":
            return 0
    if isinstance(record := limit.text("record"), Template):
        return record
    count = limit.whole("record")
    if count is not None:
        return count
    share = limit.number("percentage")
    if share is not None:
        return f"{share * 100:g}%"
    return "unlimited"
