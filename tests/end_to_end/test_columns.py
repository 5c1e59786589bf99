"""Columns of every kind of source, from a real broker into a table with JSON and nested columns."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from kit.task_run import Send, TaskRun

from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


def test_a_list_of_columns_fills_a_table_with_json(
    make_topic: Callable[..., str], send: Send, task_run: TaskRun, odps: OdpsHook
) -> None:
    """A list goes by position; numbers by Kafka's serializers, one header, the rest of an object and arrays arrive."""
    topic = make_topic(partitions=1)
    headers = [("trace", b"t1"), ("trace", b"t2")]
    send(topic, b'{"id": 1, "price": 1.10, "tags": ["a", null], "x": 2.50}', key=struct.pack(">q", -5), headers=headers)
    send(topic, None, key=struct.pack(">q", 7))
    odps.run_sql(
        "CREATE TABLE every_source (k BIGINT, trace STRING, price DECIMAL(9,2), tags ARRAY<STRING>, rest JSON)"
    )
    receipt = task_run.attempt(
        topic=topic,
        table="every_source",
        columns=["__key__", "__headers__.trace", "price", "tags", "*"],
        key_type="long",
        start=0,
        end=2,
    )
    assert (receipt["rows"], receipt["not_json"]) == (2, 0)
    found = odps.run_sql(
        "SELECT k, trace, CAST(price AS STRING) AS price, tags[0] AS tag, CAST(rest AS STRING) AS rest "
        "FROM every_source ORDER BY trace"
    ).to_pylist()
    first = next(row for row in found if row["k"] == -5)
    assert (first["trace"], first["price"], first["tag"]) == ("t2", "1.10", "a")
    assert first["rest"].replace(" ", "") == '{"id":1,"x":2.50}'


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"key_type": "Long"}, r"key_type='Long' is not one of 'bytes', 'string', 'json'"),
        ({"value_type": "avro"}, r"value_type='avro' is not one of"),
        ({"on_bad_json": "skip"}, r"on_bad_json='skip' is not one of 'null', 'reject', 'fail'"),
        ({"encoding": "utf-9"}, r"encoding='utf-9' is no encoding that Python knows"),
        ({"value_type": "csv", "field_delimiter": "||"}, r"field_delimiter='\|\|': csv takes one character"),
    ],
    ids=str,
)
def test_wrong_formats_are_refused_when_the_dag_is_parsed(wrong: dict[str, Any], message: str) -> None:
    """A choice that there is not is shown beside those that there are, before anything runs."""
    with pytest.raises(InvalidInput, match=message):
        KafkaToMaxComputeOperator(task_id="load", topic="t", table="t", **wrong)
