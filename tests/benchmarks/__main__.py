"""``make bench``: ours and the other ways, interleaved, on a real broker and an endpoint that forgets blocks."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.limits import limits, machine, raw_fetch
from benchmarks.pace import Pace
from benchmarks.running import WAYS, Run, run
from benchmarks.sink import Sink, running_sink
from benchmarks.surroundings import Surroundings
from benchmarks.table import printed, summary
from benchmarks.topics import fill
from benchmarks.workloads import WORKLOADS, Workload
from demo.broker import available_broker

from airflow_provider_kafka_odps.local.testing import running_endpoint

BUILD = Path("build").absolute()


def main(argv: Sequence[str] | None = None) -> None:
    """Fill a topic per workload, run every way in every round, and print and write what was measured."""
    parser = _parser()
    asked = parser.parse_args(argv)
    if not asked.into_endpoint and any(WORKLOADS[name].partition_by for name in asked.workloads):
        parser.error("what is partitioned by record is staged and moved, so it needs --into-endpoint")
    pace = Pace.parsed(asked.pace, asked.latency)
    folder: Path = asked.out.absolute().parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    with (
        available_broker(os.environ, report=_say) as broker,
        running_endpoint() as endpoint,
        running_sink(endpoint, pace) as sink,
    ):
        target = endpoint.endpoint if asked.into_endpoint else sink.address
        surroundings = Surroundings(broker.bootstrap_servers, endpoint, target, folder)
        with running_sink(endpoint) as fast:
            speeds = limits(fast.address)
        around: dict[str, Any] = {"machine": machine(), "mb_per_s": speeds, "raw_fetch_rows_per_s": {}}
        for name, speed in around["mb_per_s"].items():
            _say(f"limit: {name} {speed:,.0f} MB/s")
        for workload in (WORKLOADS[name] for name in asked.workloads):
            fetched, measured = _measured(surroundings, workload, asked, sink)
            around["raw_fetch_rows_per_s"][workload.name] = round(fetched)
            found += measured
            print(printed(measured), flush=True)  # noqa: T201 - a command prints
            asked.out.write_text(json.dumps(found, indent=1))
            asked.out.with_suffix(".around.json").write_text(json.dumps(around, indent=1))
    _say(f"written to {asked.out}")


def _measured(
    around: Surroundings, workload: Workload, asked: argparse.Namespace, sink: Sink
) -> tuple[float, list[dict[str, Any]]]:
    rows = workload.rows(asked.rows)
    _say(f"{workload.name}: {workload.told}; {rows:,} records are made (seed {asked.seed})")
    topic = fill(around.servers, workload, rows, asked.seed)
    around.create_table(workload)
    orders = around.orders(workload, topic, rows)
    fetched = raw_fetch(around.servers, topic, orders.ends)
    _say(f"limit: raw fetch {fetched:,.0f} rows/s")
    ours_only = workload.broken_every or workload.ours_only
    known = asked.ways or [way for way in WAYS if sink.pace.bytes_per_second or not WAYS[way].paced_only]
    ways = [way for way in known if WAYS[way].is_ours or not ours_only]
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    for number in range(asked.rounds):
        # Another order every time: nobody is always the first, on a warm or a cold machine.
        for way in random.Random(asked.seed + number).sample(ways, len(ways)):
            sink.seen()
            done = run(WAYS[way], orders, around.environment(), around.folder / "way.log")
            if not asked.into_endpoint:
                done = replace(done, seen=sink.seen())
            runs[way].append(done)
            _say(f"{workload.name} round {number + 1}: {way}: {done.rows / done.seconds:,.0f} rows/s")
    return fetched, summary(workload.name, workload.value_bytes, runs, sink.pace)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress, while it works


def _parser() -> argparse.ArgumentParser:
    def several(known: Mapping[str, object]) -> Any:
        def chosen(text: str) -> list[str]:
            parts = [part.strip() for part in text.split(";")]
            names = [
                name
                for name in known
                if any(part == name or (part not in known and name.startswith(part)) for part in parts)
            ]
            if not names:
                raise argparse.ArgumentTypeError(f"{text!r} names none of {', '.join(known)}")
            return names

        return chosen

    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="records of W1; the others have their share of it")
    parser.add_argument("--workloads", type=lambda text: several(WORKLOADS)(text.replace(",", ";")), default="W1,W2")
    parser.add_argument("--ways", type=several(WAYS), help="beginnings of their names, with ; between; default: all")
    parser.add_argument("--pace", default="", help="bytes per second that the sink takes of each block, such as 10MB")
    parser.add_argument("--latency", default="", help="time until the sink answers a request, such as 50ms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into-endpoint", action="store_true", help="load into the endpoint, not into the sink")
    parser.add_argument("--out", type=Path, default=BUILD / "bench.json")
    return parser


if __name__ == "__main__":
    main()
