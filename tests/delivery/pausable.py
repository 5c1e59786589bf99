"""The operator as a DAG has it, with something that happens to it at a point: it dies, stands still, or is held up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import Context
from delivery.crash_points import Points, watched

from airflow_provider_kafka_odps.core.delivery import transfer as order_of_effects
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

HOLD, ASK = 0, -1
"""In place of a signal: the attempt waits at the point until it is asked to stop; it is asked to stop there."""


class PausableOperator(KafkaToMaxComputeOperator):
    """Does at points what the conf of its DAG run says.

    ``{"folder": …, "signals": {"1": {"commit": 9}}, "parameters": {…}}``: the first attempt kills itself before it
    commits. Each attempt writes its process id and the points that it reaches to ``trace-<number>`` in the folder.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Load, reaching points."""
        conf = self.orders(context)
        for name, value in conf["parameters"].items():
            setattr(self, name, type(getattr(self, name))(value))
        number = context["ti"].try_number
        trace = Path(conf["folder"]) / f"trace-{number}"
        trace.write_text(f"{os.getpid()}\n")
        points = Points(self._happening(trace, conf["signals"].get(str(number), {})))
        whole = order_of_effects.transfer

        def transfer(attempt: Attempt) -> Receipt:
            receipt = whole(watched(attempt, points))
            points.reach("end")
            return receipt

        order_of_effects.transfer = transfer
        try:
            return super().execute(context)
        finally:
            order_of_effects.transfer = whole

    def orders(self, context: Context) -> Mapping[str, Any]:
        """Return what is to happen: the conf of the DAG run."""
        return context["dag_run"].conf or {}

    def _happening(self, trace: Path, signals: dict[str, int]) -> Callable[[str], None]:
        def happen(point: str) -> None:
            with trace.open("a") as written:
                written.write(f"{point}\n")
            match signals.get(point):
                case None:
                    pass
                case 0:
                    while not self.cancellation.is_cancelled:
                        time.sleep(0.01)
                case -1:
                    self.on_kill()
                case number:
                    os.kill(os.getpid(), number)

        return happen
