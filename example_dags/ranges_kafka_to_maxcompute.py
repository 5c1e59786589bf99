"""By hand: a long range of offsets, in pieces that are loaded side by side and can be cleared one by one."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# The form refuses what is no mapping of partitions to offsets.
OFFSETS: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[0-9]+$"},
    "additionalProperties": {"type": "integer", "minimum": 0},
}

# [START ranges]
with DAG(
    "ranges_kafka_to_maxcompute",
    schedule=None,
    params={
        "start": Param({"0": 0}, **OFFSETS, description="The first offset of each partition"),
        "end": Param({"0": 0}, **OFFSETS, description="Where each of them ends (exclusive)"),
        "piece": Param(10_000_000, type="integer", minimum=1, description="The most offsets of one load"),
    },
    tags=["kafka", "maxcompute"],
):

    @task
    def split(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the parameters of each load: the same ones whenever the run is cleared."""
        assert params is not None, "Airflow gives them"
        return [
            {"partitions": [int(number)], "start": first, "end": min(first + params["piece"], params["end"][number])}
            for number, start in params["start"].items()
            for first in range(start, params["end"][number], params["piece"])
        ]

    KafkaToMaxComputeOperator.partial(
        task_id="load",
        topic="testkafka",
        table="testkafka_ranges",
        create_table=True,
        # In the UI each piece is called what its window is called in the log: testkafka[2]@[0, 10000000)
        map_index_template="{{ task.topic }}[{{ task.partitions[0] }}]@[{{ task.start }}, {{ task.end }})",
        max_active_tis_per_dagrun=4,
        retries=3,
    ).expand_kwargs(split())
# [END ranges]
