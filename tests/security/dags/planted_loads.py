"""A DAG for each load that PLANTED_LOADS describes, and one that tells what nobody asked for."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

# Airflow's `[logging] namespace_levels` does not reach the loggers of libraries.
logging.getLogger("kafka").setLevel(logging.DEBUG)

_LOADS: dict[str, dict[str, Any]] = json.loads(os.environ["PLANTED_LOADS"])

for name, parameters in _LOADS.items():
    with DAG(f"planted_{name}", schedule=None) as dag:
        KafkaToMaxComputeOperator(task_id="load", retries=0, **parameters)
    globals()[dag.dag_id] = dag

with DAG("leaking", schedule=None) as leaking:

    @task(retries=0)
    def load(canary: str) -> str:
        """Write it where a careless task would: to the log, to standard output, and to XCom."""
        logging.getLogger(__name__).warning("as it is: %s", canary)
        sys.stdout.write(f"printed: {canary!r}\n")
        return canary

    load(os.environ["CANARY"][::-1])
