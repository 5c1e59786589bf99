"""Every hour, one partition of the table: the run has a partition key in place of a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronPartitionTimetable

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START partitioned]
with DAG(
    "partitioned_kafka_to_maxcompute",
    # The run of eleven o'clock is for the partition of ten o'clock, whose interval ends at eleven.
    schedule=CronPartitionTimetable("0 * * * *", timezone="UTC", run_offset=-1, key_format="%Y%m%d%H"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_partitioned",
        partition="pt={{ partition_key }}",
        # Airflow reprocesses a partition in a run of its own, which finds what the first one has loaded.
        create_table=True,
    )
# [END partitioned]
