"""Loads whose lineage is looked at; their topic has the name in TOLD_TOPIC, and their tables begin with it."""

import os
from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

TOPIC = os.environ["TOLD_TOPIC"]
COLUMNS = {
    "Id": "id",
    "city": "address.city | trim | lower",
    "phone": "phone | sha256",
    "k": "__key__",
    "o": "__offset__",
    "p": "__partition__",
    "trace": "__headers__.trace",
    "source": "'kafka'",
}
ALL: dict[str, Any] = {"start": "earliest", "end": "latest", "value_type": "json", "poll_timeout": 60}


class Subclass(KafkaToMaxComputeOperator):
    """What a user makes of the operator, who need not do anything for its lineage."""

    def execute(self, context: Any) -> Any:
        """Load, and return something of one's own."""
        return {**super().execute(context), "mine": True}


def table(name: str) -> str:
    """Return the table of a DAG."""
    return f"{TOPIC}_{name}"


with DAG("plain", schedule=None):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic=TOPIC,
        table=table("plain"),
        partition="ds=20261122",
        columns=COLUMNS,
        column_types={"id": "BIGINT"},
        where="type = 'order' AND amount >= 0",
        create_table=True,
        max_rejects="unlimited",
        rejects_table=table("rejects"),
        **ALL,
    )

for name, operator in {"replaced": KafkaToMaxComputeOperator, "consumed": Subclass}.items():
    with DAG(name, schedule=None):
        operator(
            task_id="load",
            topic=TOPIC,
            table=table(name),
            mode="overwrite",
            columns={"o": "__offset__", "p": "__partition__"},
            create_table=True,
            **ALL,
        )

with DAG("routed", schedule=None):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic=TOPIC,
        table=table("routed"),
        columns={"o": "__offset__", "p": "__partition__"},
        partition_by={"ds": "at | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')"},
        create_table=True,
        **ALL,
    )

with DAG("rejected", schedule=None):
    KafkaToMaxComputeOperator(
        task_id="load",
        topic=TOPIC,
        table=table("rejected"),
        columns={"id": "id", "o": "__offset__"},
        column_types={"id": "BIGINT"},
        create_table=True,
        **ALL,
    )

with DAG("unconnected", schedule=None):
    KafkaToMaxComputeOperator(task_id="load", topic=TOPIC, table=table("unconnected"), kafka_config_id="nowhere", **ALL)

with DAG("mapped", schedule=None):
    KafkaToMaxComputeOperator.partial(
        task_id="load", topic=TOPIC, columns={"o": "__offset__", "p": "__partition__"}, create_table=True, **ALL
    ).expand(table=[table("first"), table("second")])

with DAG("consuming", schedule=None):

    @task(inlets=[Asset(f"maxcompute://maxcompute_default/{TOPIC}_consumed")])
    def read() -> None:
        """Read the table."""

    read()
