"""What a job loads: its arguments, compiled and applied to records as the operator does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pendulum
import pyarrow as pa
from jinja2 import Environment

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.options import Conversions, OnBadJson
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA

DUE = pendulum.datetime(2026, 11, 22, 11, 0, 0)


def rendered(template: str, **context: Any) -> str:
    """Render as Airflow does, for a run that is due at 11:00 UTC."""
    return Environment(autoescape=True).from_string(template).render(data_interval_end=DUE, **context)


def arguments_of(job: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    """Return the operator's arguments for a job."""
    return operator_arguments(read_job(job), **given)


def projected(job: Mapping[str, Any], types: Mapping[str, str], *values: Any, **given: Any) -> Projected:
    """Project records with these JSON values to a table with these columns."""
    arguments = arguments_of(job, **given)
    records = [
        {"value": value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()}
        for value in values
    ]
    columns = [
        pa.array([record.get(field.name, 0 if field.name in ("partition", "offset") else None) for record in records])
        .cast(pa.int64() if field.name == "timestamp" else field.type)
        .cast(field.type)
        for field in BATCH_SCHEMA
    ]
    record_format = RecordFormat(
        Format(arguments["key_type"]),
        Format(arguments["value_type"]),
        empty_as_null=arguments["empty_as_null"],
        on_bad_json=OnBadJson(arguments["on_bad_json"]),
        conversions=Conversions(arguments["conversions"]),
        timezone=arguments.get("timezone"),
    )
    sources = {name: rendered(source) for name, source in arguments["columns"].items()}

    where = arguments.get("where")
    wanted = Wanted(None if where is None else rendered(where))
    projection = compile_projection(sources, TableSchema(columns_of(types)), record_format, wanted)
    return projection.apply("orders", pa.RecordBatch.from_arrays(columns, schema=BATCH_SCHEMA))


def column(job: Mapping[str, Any], name: str, *values: Any, kind: str = "STRING", **given: Any) -> list[Any]:
    """Return what the table has in one column for each of these values; there is no reject among them."""
    types = dict.fromkeys(arguments_of(job, **given)["columns"], "STRING") | {name: kind}
    found = projected(job, types, *values, **given)
    assert not found.rejects
    return list(found.columns.column(name).to_pylist())
