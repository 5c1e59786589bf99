"""Ours: the operator, with a journal that is kept in memory."""

from __future__ import annotations

import json
import logging
import os
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import kafka.admin  # noqa: F401 - not to be paid while it is timed
from benchmarks.ways.orders import Orders, obey

from airflow_provider_kafka_odps.clients.kafka import reader  # noqa: F401 - the same
from airflow_provider_kafka_odps.clients.maxcompute import upload  # noqa: F401 - the same
from airflow_provider_kafka_odps.core.options import MOST_PARTITIONS
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers import build  # noqa: F401 - the same
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


class _Store(dict[str, Any]):
    """A task state store that nobody else sees."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        del retention
        self[key] = json.loads(json.dumps(value))


def load(orders: Orders) -> int:
    """Execute the operator once."""
    task = KafkaToMaxComputeOperator(
        task_id="load",
        topic=orders.topic,
        table=orders.table,
        columns=orders.columns,
        start=0,
        end=json.dumps(orders.ends),
        # Every round adds the same rows once more, and none of the other ways counts them.
        reconcile=False,
        max_rejects="2%",
        where=orders.where,
        partition_by=orders.partition_by,
        max_partitions=MOST_PARTITIONS,
        **orders.parameters,
    )
    run = f"bench-{os.getpid()}"
    context: Any = {
        "task_state_store": _Store(),
        # Each round has a run of its own: its staged rows are nobody else's.
        "ti": SimpleNamespace(
            dag_id="bench", task_id="load", run_id=run, map_index=-1, xcom_push=lambda *_: None, try_number=1
        ),
        "run_id": run,
        "dag_run": SimpleNamespace(clear_number=0, run_type="manual", conf={}, partition_key=None, run_id=run),
        "outlet_events": defaultdict(SimpleNamespace),
    }
    execute: Any = KafkaToMaxComputeOperator.execute
    receipt = execute.__wrapped__(task, context)
    if path := os.environ.get("BENCH_RECEIPT"):
        with open(path, "w") as file:  # noqa: PTH123 - one line
            json.dump(receipt, file)
    loaded: int = receipt["rows"] + receipt["rejects"] + receipt.get("filtered", 0)
    return loaded


if __name__ == "__main__":
    logging.getLogger("kafka").setLevel(logging.WARNING)
    # A connection is parsed once per process; Airflow's own machinery behind it is not what is measured.
    assert KafkaHook().settings
    assert OdpsHook().settings
    obey(load)
