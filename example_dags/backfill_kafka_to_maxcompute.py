"""By hand: a range of offsets, or of time, typed into the form of a manual run."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

BOUND = (
    "'earliest' or 'latest', a time with a zone, one offset, or offsets per partition as JSON: {\"0\": 120, \"1\": 98}"
)

# [START backfill]
with DAG(
    "backfill_kafka_to_maxcompute",
    schedule=None,
    params={
        "topic": Param("testkafka", type="string", minLength=1),
        "table": Param("testkafka_backfill", type="string", minLength=1),
        "start": Param("earliest", type=["string", "integer", "object"], description=f"Where to start: {BOUND}"),
        "end": Param("latest", type=["string", "integer", "object"], description=f"Where to end (exclusive): {BOUND}"),
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
