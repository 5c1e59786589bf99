"""A job becomes the arguments of ``KafkaToMaxComputeOperator``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources
from airflow_provider_kafka_odps.dataworks.clock import Clock
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.reading import read_window
from airflow_provider_kafka_odps.dataworks.rows.columns import job_columns, job_where
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
    "partitionColumnMapping": "rows go into the one partition of the run; template `partition` instead",
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
    Raises InvalidJob, with the place in the JSON, for what cannot be done, or not without a guess.
    """
    job, clock = rendered(job, timezone, variables)
    arguments = {
        "topic": _wanted(job.reader.text("topic"), job.reader, "topic"),
        "table": _table(job.writer),
        "partition": job.writer.text("partition"),
        "columns": job_columns(job, clock.render),
        **_where(job, clock),
        **read_window(job.reader, clock),
        **_patience(job.reader),
        **_types(job.reader),
        **_conversions(job.common, clock),
        **_writing(job.writer),
        **_limits(job.setting),
        **_concurrency(job.setting, max_memory),
        "kafka_config_id": job.reader.fixed("datasource") or "kafka_default",
        "maxcompute_conn_id": job.writer.fixed("datasource") or "maxcompute_default",
    }
    return {name: _plain(value) for name, value in arguments.items()}


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
    arguments = {
        "key_type": _type(reader, "keyType"),
        "value_type": _type(reader, "valueType"),
        # `123` and `abc` are values of the guide's own topic: they are loaded, without fields.
        "on_bad_json": "null",
    }
    _refuse_split_values(reader)
    encoding = reader.fixed("encoding")
    if encoding is not None and encoding.lower().replace("-", "") != "utf8":
        arguments["encoding"] = encoding
    return arguments


def _refuse_split_values(reader: Settings) -> None:
    """Raise InvalidJob for columns that are fields between delimiters: the reader's page does not say which is which.

    Parts of the record and constants are the same whatever the format of values is, and JSON has no delimiter.
    """
    form, delimiter = reader.fixed("dataFormat"), reader.raw("fieldDelimiter")
    if (form or "").lower() == "json" or (form is None and delimiter in (None, "")):
        return
    fields = [column for column in reader.names("column") if not column.startswith(("'", "__"))]
    if fields:
        raise InvalidJob(
            f"{reader.where}.dataFormat is {form!r} with fieldDelimiter {delimiter!r}; values that are split by a "
            f"delimiter have no names for their fields, so {fields[0]!r} is none: write the operator by hand, with "
            "value_type='csv' or 'delimited', field_delimiter= and columns such as '__value__[0]'"
        )


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
    for key, usual in _USUAL_FORMATS.items():
        seen = common.value(key) or usual
        if str(seen).lower() != usual.lower():
            raise InvalidJob(
                f"{common.where}.{key} is {seen!r}; other formats than {usual!r} are functions behind a column here, "
                "such as created_at | time('yyyyMMddHHmmss')"
            )
    if beside := common.unknown():
        raise InvalidJob(f"{beside[0]} is not known here, and may change how values are converted")
    arguments = {"conversions": "lenient"}
    return arguments if clock.of_values is None else arguments | {"timezone": clock.of_values}


def _where(job: Job, clock: Clock) -> dict[str, Any]:
    where = job_where(job, clock.render)
    return {} if where is None else {"where": where}


def _patience(reader: Settings) -> dict[str, Any]:
    """Return what of the consumer's properties has a meaning here; a connection has the others."""
    arguments: dict[str, Any] = {}
    wait = reader.number("waitTime") or reader.number("waitTIme")
    if wait is not None:
        arguments["poll_timeout"] = wait
    properties = reader.section("kafkaConfig")
    isolation = properties.fixed("isolation.level")
    if isolation is not None:
        arguments["isolation_level"] = isolation
    group = reader.text("groupId") or properties.text("group.id")
    if group is not None:
        arguments["group_id"] = group
    return arguments


def _type(reader: Settings, key: str) -> str:
    written = reader.fixed(key) or "bytearray"
    if written.lower() not in _TYPES:
        raise InvalidJob(f"{reader.where}.{key} is {written!r}; known are {', '.join(_TYPES)}, in any case")
    return _TYPES[written.lower()]


def _writing(writer: Settings) -> dict[str, Any]:
    write_mode = writer.fixed("writeMode")
    if write_mode is not None and write_mode.lower() not in ("append", "insert"):
        raise InvalidJob(f"{writer.where}.writeMode is {write_mode!r}; 'append' is known, and truncate says the rest")
    for key, instead in _REFUSED.items():
        if writer.value(key) is not None:
            raise InvalidJob(f"{writer.where}.{key} cannot be run: {instead}")
    if writer.switch("supportDynamicPartition", otherwise=False):
        raise InvalidJob(f"{writer.where}.supportDynamicPartition cannot be run: {_REFUSED['partitionColumnMapping']}")
    arguments: dict[str, Any] = {
        "mode": "overwrite" if writer.switch("truncate", otherwise=True) else "append",
        "empty_as_null": writer.switch("emptyAsNull", otherwise=False),
    }
    compress = "compress" if writer.has("compress") else "isCompress"
    if writer.has(compress):
        arguments["compression"] = "zlib" if writer.switch(compress, otherwise=False) else "none"
    if (quota := writer.text("tunnelQuota")) is not None:
        arguments["quota_name"] = quota
    return arguments


def _limits(setting: Settings) -> dict[str, Any]:
    arguments: dict[str, Any] = {"max_rejects": _max_rejects(setting.section("errorLimit"))}
    speed = setting.section("speed")
    if speed.switch("throttle", otherwise=False) and (mbps := speed.number("mbps")):
        arguments["max_bytes_per_second"] = int(mbps * _MEBIBYTE)
    elif (byte := speed.whole("byte")) is not None and byte > 0:
        arguments["max_bytes_per_second"] = byte
    return arguments


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
