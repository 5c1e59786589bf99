"""One way of loading, run in a process of its own and watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from benchmarks.sink import Seen
from benchmarks.ways.orders import Orders


@dataclass(frozen=True, slots=True)
class Way:
    """A module of `ways`, and what it is told beside the load."""

    module: str
    processes: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of our operator."""
    paced_only: bool = False
    """It is of interest only where each block has a pace."""

    @property
    def is_ours(self) -> bool:
        """Tell whether it is the operator."""
        return self.module == "ours"


WAYS = {
    "ours": Way("ours"),
    "ours, concurrency=16": Way("ours", parameters={"concurrency": 16}, paced_only=True),
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
    seen: Seen | None = None
    """What the sink saw of it; None: there was none."""


class WayFailed(RuntimeError):
    """A way did not load what it was told; the message has what it wrote."""


def run(way: Way, orders: Orders, environment: Mapping[str, str], log: Path) -> Run:
    """Run a way once: wait until it has imported everything, let it load, and take its own times."""
    with started(way, orders, environment, log) as load:
        with load.watched() as peak:
            told = json.loads(load.answer())
        load.say()
    return Run(told["rows"], told["seconds"], told["cpu"], peak.grown / 1e6)


@dataclass(slots=True)
class Peak:
    """How much memory a process and its children had, before and at most."""

    before: int
    most: int = 0

    @property
    def grown(self) -> int:
        """Return bytes."""
        return max(0, self.most - self.before)


@dataclass(frozen=True, slots=True)
class Load:
    """A way's process that has imported everything and waits for the word."""

    process: subprocess.Popen[str]
    way: Way
    log: Path

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        """Give the word, and look at its memory until the block ends."""
        pid = self.process.pid
        with suppress(OSError):
            # From here on, Linux counts the peak anew.
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
        peak = Peak(_resident(pid))
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_EVERY):
                peak.most = max(peak.most, _resident(pid), _high_water(pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.say()
            yield peak
        finally:
            peak.most = max(peak.most, _high_water(pid))
            ended.set()
            watcher.join()

    def say(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self, beginning: str = "{") -> str:
        """Return its next line that begins like this."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line
        raise WayFailed(f"{self.way.module} ended with {self.process.wait()}:\n{self.log.read_text()[-4000:]}")


@contextmanager
def started(way: Way, orders: Orders, environment: Mapping[str, str], log: Path) -> Iterator[Load]:
    """Start a way, and yield it when it has imported everything; it is gone when the block ends."""
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
            load = Load(process, way, log)
            load.answer("ready")
            yield load
        finally:
            for each in _tree(process.pid):
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            process.communicate()


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


def _high_water(pid: int) -> int:
    """Return the most that a process itself had, by Linux's own count, which misses nothing; elsewhere 0."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
