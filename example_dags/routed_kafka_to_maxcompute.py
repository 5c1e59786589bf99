"""Every hour, the records of that hour, each into the partition of its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START routed]
with DAG(
    "routed_kafka_to_maxcompute",
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_routed",
        # Records say their partition, here by their timestamps. Of a field it is
        # created_at | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai'), and so on.
        partition_by={
            "ds": "__timestamp__ | format('yyyyMMdd', 'Asia/Shanghai')",
            "hh": "__timestamp__ | format('HH', 'Asia/Shanghai')",
        },
        # So many partitions are usual: a wrong unit or a wrong clock shows as many more.
        max_partitions=30,
        columns={
            "event_id": "event_id",
            "value": "__value__",
            "kafka_partition": "__partition__",
            "kafka_offset": "__offset__",
        },
        create_table=True,
        lifecycle=365,
    )
# [END routed]
