"""Every hour, the records of that hour, into one partition of a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START hourly]
with DAG(
    "hourly_kafka_to_maxcompute",
    # Airflow's plain "@hourly" gives runs of no length; this one says from when to when.
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["kafka", "maxcompute"],
):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_hourly",
        # Of the hour at which the window starts, by the clock of partition_timezone, which is UTC unless it is given.
        partition="ds=%Y%m%d,hh=%H",
        columns={
            "event_id": "event_id",
            "tag": "tag.desc",
            "value": "__value__",
            "kafka_partition": "__partition__",
            "kafka_offset": "__offset__",
            "kafka_timestamp": "__timestamp__",
        },
        # start and end are "interval": from data_interval_start to data_interval_end. Both instants are cut once, for
        # this hour and its neighbours, so hours may be backfilled in any order, and several at a time.
        create_table=True,
        lifecycle=365,
    )
# [END hourly]
