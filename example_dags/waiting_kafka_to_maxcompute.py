"""Whenever so many new records have come, load them: a sensor waits in the triggerer, without a worker slot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_provider_kafka_odps.sensors.kafka_window import KafkaWindowSensor
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START waiting]
with DAG(
    "waiting_kafka_to_maxcompute",
    # When a run has ended, the next one begins to wait.
    schedule="@continuous",
    max_active_runs=1,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    params={"new_offsets": Param(1000, type="integer", minimum=1)},
    # The window of the run before stays a mapping on its way into the sensor.
    render_template_as_native_obj=True,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
    tags=["kafka", "maxcompute"],
):
    wait = KafkaWindowSensor(
        task_id="wait",
        topic="testkafka",
        new_offsets="{{ params.new_offsets | int }}",
        since="{{ ti.xcom_pull('load', key='window', map_indexes=-1, include_prior_dates=True) or 'earliest' }}",
        poke_interval=10,
    )
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_waiting",
        start="previous",
        first_start="earliest",
        # What has come by then is loaded; what comes later is awaited by the next run.
        end=wait.output,
        create_table=True,
    )
# [END waiting]
