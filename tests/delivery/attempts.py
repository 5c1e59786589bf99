"""A process that imports everything once and then forks one child per attempt; run with ``python -m``.

Each line of its input is a question, each line of its output the answer: ``{"start": …}`` is answered by the child's
process id, ``{"look": pid}`` by the status with which the child ended or was stopped, or null if it runs.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kafka  # noqa: F401 - what a child imports costs every child its time
import numpy as np  # noqa: F401 - the same
import odps.types  # noqa: F401 - the same
import pandas as pd  # noqa: F401 - the same: PyODPS and pyarrow look for it
import pyarrow.pandas_compat  # noqa: F401 - the same
from delivery.crash_points import Points, signalling, watched
from delivery.state_store import StateStore
from kit.fake_context import context_of
from kit.unbroken import unbroken
from odps.rest import default_user_agent

from airflow_provider_kafka_odps.clients.clock import StoppableClock
from airflow_provider_kafka_odps.clients.kafka import (
    reader,  # noqa: F401 - the same
    seam,  # noqa: F401 - the same
)
from airflow_provider_kafka_odps.clients.maxcompute import sql, tables, upload  # noqa: F401 - the same
from airflow_provider_kafka_odps.clients.maxcompute.blocks import arrow  # noqa: F401 - the same
from airflow_provider_kafka_odps.clients.maxcompute.connection import rest  # noqa: F401 - the same
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import RetryPolicy
from airflow_provider_kafka_odps.core.delivery import transfer as order_of_effects
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.load import shares
from airflow_provider_kafka_odps.decoding import decoder  # noqa: F401 - the same
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers import build as building  # noqa: F401 - the same
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

HASTE = 20
"""How many times faster than on the clock the waits between two tries pass."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a child is to do, as JSON carries it."""

    folder: str
    number: int
    clear_number: int
    parameters: dict[str, Any]
    signals: dict[str, int]
    patience: dict[str, Any]
    environment: dict[str, str]
    concurrency: int = 0


class HastyClock(StoppableClock):
    """The machine's clock, on which nobody sleeps for long."""

    def sleep(self, seconds: float) -> None:
        """Wait a little."""
        super().sleep(seconds / HASTE)


def load(orders: Orders) -> dict[str, Any]:
    """Execute the operator as one attempt, and return how it ended."""
    os.environ.update(orders.environment)
    folder = Path(orders.folder)
    points = Points(signalling(folder / f"trace-{orders.number}", orders.signals))
    whole = order_of_effects.transfer

    def transfer(attempt: Attempt) -> Receipt:
        receipt = whole(watched(attempt, points, orders.concurrency))
        points.reach("end")
        return receipt

    order_of_effects.transfer = transfer
    # Else a window of a few records is not worth a process.
    shares.LEAST_SPAN = 1
    task = KafkaToMaxComputeOperator(task_id="load", **orders.parameters)
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    patience = RetryPolicy(**orders.patience)
    task.clock = HastyClock(task.cancellation.check)
    task.odps_hook = OdpsHook(patience=patience, block_patience=patience, clock=task.clock)
    store = StateStore(folder / "store.json", orders.number)
    context: Any = context_of(store, lambda *_: None, orders.clear_number, orders.number)
    try:
        receipt = KafkaToMaxComputeOperator.execute.__wrapped__(task, context)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        # Of an error without retries, the text begins with the class of ours.
        cause = str(error).partition(":")[0]
        return {"error": type(error).__name__, "text": unbroken(error), "cause": cause}
    return {"receipt": receipt}


def child(orders: Orders) -> int:
    """Fork one attempt, and return its process id."""
    if pid := os.fork():
        return pid
    ended = 1
    try:
        folder = Path(orders.folder)
        with (folder / f"log-{orders.number}").open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        faulthandler.enable()
        outcome = json.dumps(load(orders))
        fresh = folder / f"new-{orders.number}"
        fresh.write_text(outcome)
        fresh.rename(folder / f"ended-{orders.number}")
        ended = 0
    finally:
        os._exit(ended)


def main() -> None:
    """Answer until nobody asks any more, and leave no child behind."""
    children: set[int] = set()
    logging.getLogger("kafka").setLevel(logging.WARNING)
    # These import much more of Airflow.
    assert OdpsHook().settings
    assert KafkaHook().settings
    # It looks for the versions of packages, once.
    assert default_user_agent()
    # What is there by now stays: no child has to copy it in order to count its references.
    gc.collect()
    gc.freeze()
    try:
        _answer("ready")
        for line in sys.stdin:
            match json.loads(line):
                case {"start": Mapping() as orders}:
                    pid = child(Orders(**orders))
                    children.add(pid)
                    _answer(pid)
                case {"look": int() as pid}:
                    changed, status = os.waitpid(pid, os.WUNTRACED | os.WNOHANG)
                    if changed and not os.WIFSTOPPED(status):
                        children.discard(pid)
                    _answer(status if changed else None)
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _answer(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
