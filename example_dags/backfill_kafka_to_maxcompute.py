"""By hand: a range of offsets, or of time, typed into the form of a manual run."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# Patterns of what the operator takes: the form refuses anything else before there is a run.
TOPIC = "^[A-Za-z0-9._-]{1,249}$"
TABLE = "^([A-Za-z_][A-Za-z0-9_]{0,127}[.]){0,2}[A-Za-z_][A-Za-z0-9_]{0,127}$"
OFFSET = "[0-9]{1,18}"
EACH = '"[0-9]{1,9}" *: *' + OFFSET
TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?|\[[A-Za-z0-9_+/-]+\])"
PARTITIONS = "[0-9]{1,6}( *- *[0-9]{1,6})?"


def bound(words: str) -> dict[str, Any]:
    """Return the schema of one end of the range: these words, an offset, an offset per partition, or a time."""
    return {
        "type": "string",
        "pattern": rf"^ *({words}|{OFFSET}|\{{ *{EACH}( *, *{EACH})* *\}}|{TIME}{ZONE}) *$",
        "examples": [*words.split("|"), "120", '{"0": 120, "1": 98}', "2026-11-22T10:00+08:00"],
    }


HOW = 'an offset, an offset per partition as JSON: {"0": 120, "1": 98}, or a time with its zone: 2026-11-22T10:00+08:00'

# [START backfill]
with DAG(
    "backfill_kafka_to_maxcompute",
    schedule=None,
    params={
        "topic": Param("testkafka", type="string", pattern=TOPIC),
        "table": Param("testkafka_backfill", type="string", pattern=TABLE),
        "start": Param("earliest", **bound("earliest|latest"), description=f"Where to start: earliest, latest, {HOW}"),
        "end": Param("latest", **bound("latest"), description=f"Where to end (exclusive): latest, {HOW}"),
        # Without "null" among its types the form could not be sent while this field is empty.
        "partitions": Param(
            None,
            type=["null", "string"],
            pattern=f"^( *{PARTITIONS}( *, *{PARTITIONS})* *)?$",
            description="Only these partitions, such as 0,2-4; empty: all",
        ),
    },
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="{{ params.topic }}",
        table="{{ params.table }}",
        start="{{ params.start }}",
        end="{{ params.end }}",
        partitions="{{ params.partitions or '' }}",
        create_table=True,
    )
# [END backfill]
