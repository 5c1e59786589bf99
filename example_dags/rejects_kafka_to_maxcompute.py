"""Records that do not fit go to a table of their own; after a fix, clearing the task loads the window again."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START rejects]
with DAG("rejects_kafka_to_maxcompute", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka_numbers",
        columns={
            "event_id": "event_id",
            # No number stands there: these records are rejects until the mapping is fixed.
            "amount": "tag.desc",
            "kafka_partition": "__partition__",
            "kafka_offset": "__offset__",
        },
        column_types={"amount": "BIGINT"},
        create_table=True,
        start="earliest",
        end="latest",
        # More than that, and the load fails with nothing visible.
        max_rejects="100, 90%",
        rejects_table="testkafka_rejects",
        # Clearing the task, after the fix, replaces the rows of its window and the rejects.
        on_rerun="replace",
    )
# [END rejects]
