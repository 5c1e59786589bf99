"""One way of loading, run in a process of its own and watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from benchmarks.ways.orders import Orders


@dataclass(frozen=True, slots=True)
class Way:
    """A module of `ways`, and what it is told beside the load."""

    module: str
    processes: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of our operator."""

    @property
    def is_ours(self) -> bool:
        """Tell whether it is the operator."""
        return self.module == "ours"


WAYS = {
    "ours": Way("ours"),
    "ours, two workers": Way("ours", parameters={"workers": 2}),
    "(a) kafka-python + record writer": Way("kafka_python_records"),
    "(b) confluent-kafka + record writer": Way("confluent_records"),
    "(c) confluent-kafka + Arrow writer": Way("confluent_arrow"),
    "(c2+) the same, two processes, fast CRC": Way("confluent_arrow", processes=2),
}
_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """What one load took."""

    rows: int
    seconds: float
    cpu: float
    """Seconds of all processes of the loader."""
    peak: float
    """MB of resident memory of all of them, above what the process had before the load."""


class WayFailed(RuntimeError):
    """A way did not load what it was told; the message has what it wrote."""


def run(way: Way, orders: Orders, environment: Mapping[str, str], log: Path) -> Run:
    """Run a way once: wait until it has imported everything, let it load, and take its own times."""
    told = replace(orders, processes=way.processes, parameters=way.parameters)
    command = [sys.executable, "-m", f"benchmarks.ways.{way.module}", told.written()]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **environment},
        )
        try:
            return _watched(process, way, log)
        finally:
            for each in _tree(process.pid):
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            process.communicate()


def _watched(process: subprocess.Popen[str], way: Way, log: Path) -> Run:
    _await(process, way, log, lambda line: line == "ready")
    before = _resident(process.pid)
    ended = threading.Event()
    peaks = [before]

    def watch() -> None:
        while not ended.wait(_EVERY):
            peaks.append(max(peaks[-1], _resident(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _say(process)
        told = json.loads(_await(process, way, log, lambda line: line.startswith("{")))
    finally:
        ended.set()
        watcher.join()
    _say(process)
    return Run(told["rows"], told["seconds"], told["cpu"], (peaks[-1] - before) / 1e6)


def _say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _await(process: subprocess.Popen[str], way: Way, log: Path, found: object) -> str:
    assert process.stdout is not None
    assert callable(found)
    for line in process.stdout:
        if found(line.strip()):
            return line
    raise WayFailed(f"{way.module} ended with {process.wait()}:\n{log.read_text()[-4000:]}")


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _resident(pid: int) -> int:
    """Return the bytes of resident memory of a process and its children."""
    total = 0
    for each in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total
