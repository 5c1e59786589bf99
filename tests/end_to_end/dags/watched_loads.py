"""A DAG for each load that WATCHED_LOADS describes; some of them are ended by a signal in the middle of the load."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

_LOADS: dict[str, dict[str, Any]] = json.loads(os.environ["WATCHED_LOADS"])
_SIGNALS = {"stopped": signal.SIGTERM, "killed": signal.SIGKILL}
"""What ends a load, by the name of its DAG."""


class SignalledStore:
    """The task's state store; a signal comes as soon as it has the phase ``uploading``."""

    def __init__(self, store: Any, comes: signal.Signals) -> None:
        self._store, self._comes = store, comes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def set(self, key: str, value: dict[str, Any], **how: Any) -> None:
        """Set the value, and have the signal come."""
        self._store.set(key, value, **how)
        if value.get("phase") == "uploading":
            os.kill(os.getpid(), self._comes)


class SignalledOperator(KafkaToMaxComputeOperator):
    """The operator, in a process that gets a signal."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Load, until the signal comes."""
        written: Any = context
        written["task_state_store"] = SignalledStore(written["task_state_store"], _SIGNALS[self.dag.dag_id])
        return super().execute(context)


for name, parameters in _LOADS.items():
    with DAG(name, schedule=None, tags=["again"] if name == "kept" else []) as dag:
        operator = SignalledOperator if name in _SIGNALS else KafkaToMaxComputeOperator
        operator(task_id="load", retries=0, **parameters)
    globals()[name] = dag
