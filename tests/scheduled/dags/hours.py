"""Hourly loads for the histories: each DAG has a topic and a table of its own, which are named after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable
from scheduled.named import MIDNIGHT, name_of

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

NEVER = datetime(2100, 1, 1, tzinfo=UTC)
"""Where a DAG starts whose hours are all backfilled."""
BY_HOUR = "hh={{ data_interval_start.strftime('%d%H') }}"


def hourly(dag_id: str, *, start_date: datetime = NEVER, partition: str | None = None, **how: Any) -> DAG:
    """Return a DAG that loads every hour of its topic."""
    with DAG(
        dag_id,
        schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
        start_date=start_date,
        default_args={"retries": 3, "retry_delay": timedelta(seconds=1)},
        **how,
    ) as dag:
        KafkaToMaxComputeOperator(
            task_id="load",
            topic=name_of(dag_id),
            table=name_of(dag_id),
            partition=partition,
            columns={"p": "__partition__", "o": "__offset__", "v": "__value__"},
            create_table=True,
        )
    return dag


# The scheduler itself makes these runs, one after the other.
hourly(
    "in_order",
    start_date=MIDNIGHT,
    end_date=MIDNIGHT + timedelta(hours=24),
    catchup=True,
    max_active_runs=1,
    partition=BY_HOUR,
)
hourly("four_at_a_time")
