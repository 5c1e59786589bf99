"""Every ten minutes, whatever has come since the last time, a bounded piece of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START continuous]
with DAG(
    "continuous_kafka_to_maxcompute",
    # No interval is needed: a window starts where the last one ended that this task has committed.
    schedule="*/10 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_continuous",
        start="previous",
        # Where the first window starts.
        first_start="earliest",
        end="latest",
        # A backlog is worked off over several runs.
        max_offsets=10_000_000,
        create_table=True,
    )
# [END continuous]
