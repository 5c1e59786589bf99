"""A job becomes the arguments of ``KafkaToMaxComputeOperator``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.dataworks.job import Job
from airflow_provider_kafka_odps.dataworks.reading import Clock, read_window
from airflow_provider_kafka_odps.dataworks.settings import Settings
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
    job: Job, *, timezone: str | None = None, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the keyword arguments that make the operator do what the job says, but for its task id.

    ``timezone`` is the zone of times and variables of a job that names none; ``variables`` has what the job's schedule
    assigns to its own variables. Schedule variables become templates.
    Raises InvalidJob, with the place in the JSON, for what cannot be done, or not without a guess.
    """
    clock = Clock(job.reader, timezone, variables)
    return {
        "topic": _wanted(clock.text(job.reader, "topic"), job.reader, "topic"),
        "table": _table(job.writer, clock),
        "partition": clock.text(job.writer, "partition"),
        "columns": _columns(job),
        **read_window(job.reader, clock),
        **_patience(job.reader),
        **_types(job.reader),
        **_writing(job.writer),
        **_limits(job.setting),
        "kafka_config_id": job.reader.text("datasource") or "kafka_default",
        "maxcompute_conn_id": job.writer.text("datasource") or "maxcompute_default",
    }


def _wanted(found: str | None, settings: Settings, key: str) -> str:
    if found is None:
        raise InvalidJob(f"{settings.where}.{key} is missing")
    return found


def _table(writer: Settings, clock: Clock) -> str:
    table = _wanted(clock.text(writer, "table"), writer, "table").replace("`", "")
    schema, project = writer.text("schema"), writer.text("project")
    if schema and not project and "." not in table:
        raise InvalidJob(f"{writer.where}.schema is {schema!r}; name the project too: table={table!r} has none")
    return ".".join(part for part in (project, schema, table) if part)


def _columns(job: Job) -> list[str] | dict[str, str]:
    sources = job.reader.names("column")
    columns = [name.strip().strip("`") for name in job.writer.names("column")]
    if columns == ["*"]:
        return sources
    if len(columns) != len(sources):
        raise InvalidJob(
            f"{job.reader.where}.column has {len(sources)} entries and {job.writer.where}.column has {len(columns)}: "
            "they belong together in order, one to one"
        )
    lowered = [name.lower() for name in columns]
    if twice := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise InvalidJob(f"{job.writer.where}.column has {', '.join(twice)} more than once")
    return dict(zip(columns, sources, strict=True))


def _types(reader: Settings) -> dict[str, Any]:
    arguments = {
        "key_type": _type(reader, "keyType"),
        "value_type": _type(reader, "valueType"),
        # `123` and `abc` are values of the guide's own topic: they are loaded, without fields.
        "on_bad_json": "null",
    }
    form = (reader.text("dataFormat") or "json").lower()
    delimiter = reader.text("fieldDelimiter")
    if form != "json" or delimiter is not None:
        raise InvalidJob(
            f"{reader.where}.dataFormat is {form!r} with fieldDelimiter {delimiter!r}; values that are split by a "
            "delimiter have no names for their fields here: write the operator by hand with value_type='csv'"
        )
    encoding = reader.text("encoding")
    if encoding is not None and encoding.lower().replace("-", "") != "utf8":
        arguments["encoding"] = encoding
    return arguments


def _patience(reader: Settings) -> dict[str, Any]:
    """Return what of the consumer's properties has a meaning here; a connection has the others."""
    arguments: dict[str, Any] = {}
    wait = reader.number("waitTime") or reader.number("waitTIme")
    if wait is not None:
        arguments["poll_timeout"] = wait
    properties = reader.section("kafkaConfig")
    isolation = properties.text("isolation.level")
    if isolation is not None:
        arguments["isolation_level"] = isolation
    group = reader.text("groupId") or properties.text("group.id")
    if group is not None:
        arguments["group_id"] = group
    return arguments


def _type(reader: Settings, key: str) -> str:
    written = reader.text(key) or "bytearray"
    if written.lower() not in _TYPES:
        raise InvalidJob(f"{reader.where}.{key} is {written!r}; known are {', '.join(_TYPES)}, in any case")
    return _TYPES[written.lower()]


def _writing(writer: Settings) -> dict[str, Any]:
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
    concurrent = speed.whole("concurrent") or speed.whole("channel")
    if concurrent is not None:
        arguments["concurrency"] = max(1, concurrent)
    if speed.switch("throttle", otherwise=False) and (mbps := speed.number("mbps")):
        arguments["max_bytes_per_second"] = int(mbps * _MEBIBYTE)
    elif (byte := speed.whole("byte")) is not None and byte > 0:
        arguments["max_bytes_per_second"] = byte
    return arguments


def _max_rejects(limit: Settings) -> int | str:
    """Return the limit; as in DataX a count beats a percentage, and an empty one is none at all."""
    match (limit.text("strategy") or "").lower():
        case "ignore":
            return "unlimited"
        case "zerotolerance":
            return 0
    count = limit.whole("record")
    if count is not None:
        return count
    share = limit.number("percentage")
    if share is not None:
        return f"{share * 100:g}%"
    return "unlimited"
