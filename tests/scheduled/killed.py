"""A load that dies at each point of a list, one attempt after the other, whatever becomes of the rest of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context
from delivery.crash_points import KILL
from delivery.pausable import PausableOperator
from kit.whole_files import replace_text

ORDERS = "orders.json"


class KilledOperator(PausableOperator):
    """Does what is written down for the hour of its run, in a folder of that hour: ``order`` writes it."""

    def __init__(self, *, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder

    def orders(self, context: Context) -> Mapping[str, Any]:
        """Wait for orders, and return at which point this attempt is to die: the first one at which none has died."""
        start = context["data_interval_start"]
        assert start is not None, "the runs of an hourly schedule have an interval"
        folder = folder_of(Path(self.folder), start.hour)
        # Moving the DAG's end instead has the scheduler make a run that has no task, for it still knows the old end.
        while not (folder / ORDERS).exists():
            time.sleep(0.05)
        orders = json.loads((folder / ORDERS).read_text())
        left = orders["points"][len(deaths(folder, orders["points"])) :]
        signals = {str(context["ti"].try_number): {left[0]: KILL}} if left else {}
        return {"folder": str(folder), "signals": signals, "parameters": {"on_rerun": orders["on_rerun"]}}


def folder_of(folder: Path, hour: int) -> Path:
    """Return where orders and traces of an hour's run are."""
    return folder / str(hour)


def order(folder: Path, hour: int, points: Sequence[str], on_rerun: str = "keep") -> None:
    """Have the run of an hour die at further points, and then come to its end."""
    file = folder_of(folder, hour) / ORDERS
    file.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(file.read_text())["points"] if file.exists() else []
    replace_text(file, json.dumps({"points": [*before, *points], "on_rerun": on_rerun}))


def deaths(folder: Path, points: Sequence[str]) -> list[str]:
    """Return at which of these points an attempt has died, as its trace ends there."""
    died: list[str] = []
    for reached in _traces(folder):
        if reached and points[len(died) :][:1] == reached[-1:]:
            died.append(reached[-1])
    return died


def visited(folder: Path) -> set[str]:
    """Return the points that any attempt has reached."""
    return {point for reached in _traces(folder) for point in reached}


def _traces(folder: Path) -> list[list[str]]:
    traces = sorted(folder.glob("trace-*"), key=lambda path: int(path.name.partition("-")[2]))
    # The first line is the process.
    return [trace.read_text().splitlines()[1:] for trace in traces]
