"""A synchronisation job of DataWorks, run as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START dataworks]
with DAG("dataworks_job", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), tags=["kafka", "maxcompute"]):
    KafkaToMaxComputeOperator.from_dataworks(
        Path(__file__).parent / "jobs" / "testkafka.json",
        task_id="load",
        # The job's own addresses are those of its author; ours are in Airflow's connections.
        kafka_config_id="kafka_default",
        maxcompute_conn_id="maxcompute_default",
        # DataWorks wants the table to be there; the columns of this one are texts, as in the tutorial.
        create_table=True,
        column_types={"partition1": "STRING", "timestamp1": "STRING", "offset": "STRING"},
    )
# [END dataworks]
