"""Windows of a DAG's runs, as Airflow keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_kafka_odps.commands.airflow.api import AirflowApi
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.verification.tiling import RunWindow, WindowFate
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput

T = TypeVar("T")

_RETURNED, _WINDOW = "return_value", "window"
_FAILED = frozenset({"failed", "upstream_failed", "skipped", "removed"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One task instance that loads, and what is known of it."""

    run_id: str
    task: str
    """Its task, with its place in the list where that is mapped."""
    says: str
    """Its state, in Airflow's words."""
    receipt: Receipt | None
    window: Window | None
    """None: none is known, because none was planned, or Airflow has forgotten it."""

    @property
    def state(self) -> WindowFate:
        """What has become of its window."""
        if self.receipt is not None:
            return WindowFate.LOADED
        return WindowFate.FAILED if self.says in _FAILED else WindowFate.RUNNING

    @property
    def tile(self) -> RunWindow | None:
        """The window among others; None where none is known, or where its load has ended without a receipt."""
        if self.window is None or (self.receipt is None and self.says == "success"):
            return None
        table = "" if self.receipt is None else self.receipt.table
        return RunWindow(self.run_id, f"{self.task.partition('[')[0]}\n{table}", self.state, self.window)

    def to_json(self) -> dict[str, Any]:
        """Return it for a script."""
        return {
            "run_id": self.run_id,
            "task": self.task,
            "state": self.says,
            "window": None if self.window is None else self.window.to_json(),
            "receipt": None if self.receipt is None else self.receipt.to_json(),
        }


def listed(api: AirflowApi, dag_id: str, task_id: str | None, most: int, seen: Callable[[], None]) -> Iterator[Listed]:
    """Yield the newest loads of a DAG, the newest first; ``seen`` is called after each.

    Raises InvalidInput where there is no such DAG, and Unreachable.
    """
    for each in api.loads(dag_id, task_id, most):
        index, state = each.get("map_index", -1), str(each.get("state") or "none")
        receipt = receipt_of(api.xcom(each, _RETURNED)) if state == "success" else None
        window = receipt.window if receipt is not None else _window(api.xcom(each, _WINDOW))
        task = f"{each['task_id']}{'' if index in (None, -1) else f'[{index}]'}"
        yield Listed(str(each["dag_run_id"]), task, state, receipt, window)
        seen()


def receipt_of(written: Any) -> Receipt | None:
    """Return the receipt that a task has returned; None for anything else."""
    return _read(written, Receipt.from_json)


def _window(written: Any) -> Window | None:
    return _read(written, Window.from_json)


def _read(written: Any, read: Callable[[Mapping[str, Any]], T]) -> T | None:
    try:
        return read(written) if isinstance(written, Mapping) else None
    except InvalidInput:
        return None
