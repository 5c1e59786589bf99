"""By hand: a long range of offsets, in pieces that are loaded side by side and can be cleared one by one."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

log = logging.getLogger(__name__)

# The form refuses what does not name partitions with two offsets each.
RANGES: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^(0|[1-9][0-9]{0,8})$"},
    "additionalProperties": {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "minItems": 2,
        "maxItems": 2,
    },
}

# [START ranges]
with DAG(
    "ranges_kafka_to_maxcompute",
    schedule=None,
    params={
        "ranges": Param(
            {"0": [0, 0]}, **RANGES, description="For each partition, its first offset and its end (exclusive)"
        ),
        "piece": Param(10_000_000, type="integer", minimum=1, description="The most offsets of one load"),
    },
    tags=["kafka", "maxcompute"],
):

    @task
    def split(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the parameters of each load: the same ones whenever the run is cleared."""
        assert params is not None, "Airflow gives them"
        loads: list[dict[str, Any]] = []
        piece = int(params["piece"])
        for number, bounds in params["ranges"].items():
            # 5.0 is an integer, too, where JSON is checked.
            start, end = map(int, bounds)
            if start > end:
                raise AirflowFailException(f"ranges: partition {number} starts at {start}, behind its end {end}")
            loads += [
                {"partitions": [int(number)], "start": first, "end": min(first + piece, end)}
                for first in range(start, end, piece)
            ]
        if not loads:
            log.warning('nothing is loaded: ranges names no offset; {"0": [0, 1000]} are the first 1000 of partition 0')
        return loads

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
