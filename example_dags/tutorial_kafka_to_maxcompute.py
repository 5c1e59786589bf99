"""The tutorial: offsets 0 to 3 of every partition of `testkafka`, into the table `testkafka`, replacing its rows."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# [START tutorial]
with DAG("tutorial_kafka_to_maxcompute", schedule=None, tags=["kafka", "maxcompute"]):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic="testkafka",
        table="testkafka",
        columns={
            "key": "__key__",
            "value": "__value__",
            "partition1": "__partition__",
            "timestamp1": "__timestamp__",
            "offset": "__offset__",
            "t123": "'123'",
            "event_id": "event_id",
            "tag": "tag.desc",
        },
        # The table is created where it is missing; without these types, the three would be BIGINT.
        create_table=True,
        column_types={"partition1": "STRING", "timestamp1": "STRING", "offset": "STRING"},
        start=0,
        end=3,
        # Most of the ten partitions hold fewer than three records: load what is there.
        on_short_log="clamp",
        mode="overwrite",
    )
# [END tutorial]
