"""``make memory``: by how much a load grows, with few lanes and many, into a fast sink, a paced one and a slow one.

A load is stopped after ``--seconds``: what it takes at most it has taken by then, since reading is faster than writing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.pace import Pace, quantity_of_bytes
from benchmarks.running import Way, WayFailed, started
from benchmarks.sink import running_sink
from benchmarks.surroundings import Surroundings
from benchmarks.topics import fill
from benchmarks.ways.orders import Orders
from benchmarks.workloads import WORKLOADS
from demo.broker import available_broker
from tabulate import tabulate

from airflow_provider_kafka_odps.local.testing import running_endpoint

_PACES = {
    "null": Pace(),
    "paced": Pace(10e6, 0.05),
    "slow": Pace(2e6, 0.05),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Load every workload into every sink with every number of lanes, and print and write how it grew."""
    asked = _parser().parse_args(argv)
    out: Path = asked.out.absolute()
    folder = out.parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with available_broker(os.environ, report=_say) as broker, running_endpoint() as endpoint:
        for one in _measured(Surroundings(broker.bootstrap_servers, endpoint, endpoint.endpoint, folder), asked):
            found.append(one)
            out.write_text(json.dumps(found, indent=1))
            _say(f"{one['workload']}, {one['sink']}, {one['lanes']} lanes: {one['grown_mb']:.0f} MB")
    print(printed(found))  # noqa: T201 - a command prints
    _say(f"written to {out}")


def _measured(around: Surroundings, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for workload in (WORKLOADS[name] for name in asked.workloads):
        rows = workload.rows(asked.rows)
        _say(f"{workload.name}: {workload.told}; {rows:,} records are made")
        topic = fill(around.servers, workload, rows, seed=1)
        around.create_table(workload)
        for pace in (_PACES[name] for name in asked.sinks):
            with running_sink(around.endpoint, pace) as sink:
                before_it = replace(around, target=sink.address)
                orders = before_it.orders(workload, topic, rows)
                for lanes in asked.lanes:
                    way = Way("ours", parameters={"concurrency": lanes, "max_memory": asked.max_memory})
                    sink.seen()
                    grown = _grown(way, orders, before_it.environment(), around.folder / "memory.log", asked.seconds)
                    told = {"workload": workload.name, "sink": str(pace), "lanes": lanes}
                    yield (
                        told
                        | grown
                        | {
                            "max_memory_mb": asked.max_memory / 1e6,
                            "blocks_at_once": sink.seen().at_once,
                        }
                    )


def _grown(way: Way, orders: Orders, environment: Mapping[str, str], log: Path, seconds: float) -> dict[str, Any]:
    """Return by how many MB a load grew until it ended or was stopped."""
    with started(way, orders, environment, log) as load:
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            load.process.kill()

        timer = threading.Timer(seconds, stop)
        since = time.perf_counter()
        with load.watched() as peak:
            timer.start()
            try:
                load.answer()
            except WayFailed:
                if not stopped.is_set():
                    raise
            finally:
                timer.cancel()
            took = time.perf_counter() - since
    return {"grown_mb": round(peak.grown / 1e6, 1), "seconds": round(took, 1), "whole": not stopped.is_set()}


def printed(found: Sequence[Mapping[str, Any]]) -> str:
    """Return growth beside what is allowed, one row per load."""
    heads = ["workload", "sink", "lanes", "at once", "grew by MB", "of MB", "%", "seconds", ""]
    rows = [
        [
            *(one["workload"], one["sink"], one["lanes"], one["blocks_at_once"], one["grown_mb"], one["max_memory_mb"]),
            *(round(100 * one["grown_mb"] / one["max_memory_mb"]), one["seconds"]),
            ("" if one["whole"] else "stopped") + (" TOO MUCH" if one["grown_mb"] > one["max_memory_mb"] else ""),
        ]
        for one in found
    ]
    return tabulate(rows, headers=heads)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress, while it works


def _parser() -> argparse.ArgumentParser:
    def several(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(prog="make memory", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="records of W1; the others have their share of it")
    parser.add_argument("--workloads", type=several, default=["W1", "W2", "MB", "M64"])
    parser.add_argument("--sinks", type=several, default=list(_PACES), help=f"of {', '.join(_PACES)}")
    parser.add_argument("--lanes", type=lambda text: list(map(int, several(text))), default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=60.0, help="after which a load is stopped")
    parser.add_argument("--max-memory", type=quantity_of_bytes, default=340_000_000)
    parser.add_argument("--out", type=Path, default=Path("build/memory.json"))
    return parser


if __name__ == "__main__":
    main()
