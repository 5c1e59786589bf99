"""A task instance outside of Airflow: the operator, and what its attempts find of the ones before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kit.fake_context import context_of

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


class Send(Protocol):
    """Sends one record to a partition, and waits until the broker has it."""

    def __call__(self, topic: str, value: bytes | None, partition: int = 0, **record: Any) -> None: ...


class MemoryStore:
    """Airflow's task state store, for a task that runs outside of Airflow."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return what was set, as JSON gives it back."""
        return json.loads(self.entries[key]) if key in self.entries else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a value as JSON."""
        del retention
        self.entries[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        """Forget it, as Airflow does: harmless where there is none."""
        self.entries.pop(key, None)


@dataclass
class TaskRun:
    """One task instance outside of Airflow: the context that its attempts share."""

    store: MemoryStore = field(default_factory=MemoryStore)
    xcoms: dict[str, Any] = field(default_factory=dict)
    interval: tuple[Any, Any] = (None, None)
    params: Mapping[str, Any] = field(default_factory=dict)
    clear_number: int = 0
    asset_store: MemoryStore | None = None
    """The state store of the table's asset; None: the task is not registered with it."""
    operator: KafkaToMaxComputeOperator | None = None
    """That of the latest attempt."""

    def attempt(self, **parameters: Any) -> dict[str, Any]:
        """Render and execute the operator once, as one attempt of this task instance."""
        self.operator = operator = KafkaToMaxComputeOperator(task_id="load", **{"poll_timeout": 20, **parameters})
        context: Any = {
            **context_of(self.store, self.xcoms.__setitem__, self.clear_number),
            "data_interval_start": self.interval[0],
            "data_interval_end": self.interval[1],
            "params": self.params,
            "asset_state_store": {} if self.asset_store is None else {operator.asset: self.asset_store},
        }
        operator.render_template_fields(context)
        return KafkaToMaxComputeOperator.execute.__wrapped__(operator, context)  # type: ignore[attr-defined, no-any-return]
