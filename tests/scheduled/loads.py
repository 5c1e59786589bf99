"""What the DAGs of the histories are made of: each has a topic and a table of its own, which are named after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable
from scheduled.named import name_of

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

NEVER = datetime(2100, 1, 1, tzinfo=UTC)
"""Where a DAG starts whose hours are all backfilled."""
HOURLY = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
BY_HOUR = "hh={{ data_interval_start.strftime('%d%H') }}"


def dag_of(dag_id: str, schedule: Any = HOURLY, start_date: datetime = NEVER, **how: Any) -> DAG:
    """Return a DAG without tasks."""
    retries = {"retries": 3, "retry_delay": timedelta(seconds=1)}
    return DAG(dag_id, schedule=schedule, start_date=start_date, default_args=retries, **how)


def load(
    dag_id: str, operator: type[KafkaToMaxComputeOperator] = KafkaToMaxComputeOperator, **how: Any
) -> KafkaToMaxComputeOperator:
    """Return the task that loads a DAG's topic."""
    parameters = {
        "task_id": "load",
        "topic": name_of(dag_id),
        "table": name_of(dag_id),
        "columns": {"p": "__partition__", "o": "__offset__", "v": "__value__"},
        "create_table": True,
    }
    return operator(**{**parameters, **how})
