"""Loads that somebody looks at: what they load is said when they are triggered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


def load_of(task_id: str, **how: Any) -> KafkaToMaxComputeOperator:
    """Return a task that loads a range of a topic."""
    return KafkaToMaxComputeOperator(
        task_id=task_id,
        topic="{{ dag_run.conf['topic'] }}",
        table="looked_at",
        columns={"p": "__partition__", "o": "__offset__", "n": "n"},
        value_type="json",
        column_types={"n": "BIGINT"},
        create_table=True,
        start="{{ dag_run.conf['start'] }}",
        partitions="{{ dag_run.conf['partitions'] }}",
        end="{{ dag_run.conf['end'] }}",
        # An error that a retry mends is the machine's here; the one that is looked at fails at once.
        retries=2,
        retry_delay=timedelta(0),
        **how,
    )


with DAG("looked_at", schedule=None):
    load_of("load")

with DAG("watched", schedule=None):
    load_of("load", max_bytes_per_second=30)
