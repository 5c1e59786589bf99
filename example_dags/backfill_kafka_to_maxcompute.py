"""By hand: a range of offsets, or of time, typed into the form of a manual run."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

HOW = (
    "'earliest' or 'latest', a time with a zone, one offset, or offsets per partition as JSON: {\"0\": 120, \"1\": 98}"
)
# The form refuses anything else before there is a run.
BOUND: dict[str, Any] = {
    "type": ["string", "integer", "object"],
    "pattern": r"^(earliest|latest|[0-9]+|[0-9]{4}-.+|\{.+\})$",
    "minimum": 0,
    "propertyNames": {"pattern": "^[0-9]+$"},
    "additionalProperties": {"type": "integer", "minimum": 0},
}

# [START backfill]
with DAG(
    "backfill_kafka_to_maxcompute",
    schedule=None,
    params={
        "topic": Param("testkafka", type="string", minLength=1),
        "table": Param("testkafka_backfill", type="string", minLength=1),
        "start": Param("earliest", **BOUND, description=f"Where to start: {HOW}"),
        "end": Param("latest", **BOUND, description=f"Where to end (exclusive): {HOW}"),
        "partitions": Param("", type="string", description="Only these partitions, such as 0,2-4; empty: all"),
    },
    # Params keep their types on the way into the operator: offsets per partition stay a mapping.
    render_template_as_native_obj=True,
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="{{ params.topic }}",
        table="{{ params.table }}",
        start="{{ params.start }}",
        end="{{ params.end }}",
        partitions="{{ params.partitions }}",
        create_table=True,
    )
# [END backfill]
