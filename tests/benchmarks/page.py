"""``python -m benchmarks.page [build/bench.json …]`` prints what was measured as it stands in docs/performance.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.table import sink_of
from benchmarks.workloads import WORKLOADS

_HEAD = """| workload | way | rows/s | MB/s | CPU s per million rows | peak RSS MB | ours ÷ it | blocks (at once) |
|---|---|---:|---:|---:|---:|---:|---:|"""


def page(found: Sequence[Mapping[str, Any]], around: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines."""
    machine = around["machine"]
    yield (
        f"Measured {machine['date']} on {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, "
        f"Python {machine['python']}; load average before it began: {machine['load_average']}."
    )
    yield f"Sink: {', '.join(dict.fromkeys(map(sink_of, found)))}."
    yield from ("", _HEAD)
    for one in found:
        told = f"{one['workload']}: {WORKLOADS[one['workload']].told}; {one['rows']:,} records; {sink_of(one)}"
        seen = "" if one["blocks"] is None else f"{one['blocks']} ({one['blocks_at_once']})"
        ratio = "" if one["ratio_ours"] is None else f"{one['ratio_ours']:.2f}"
        yield (
            f"| {told} | {one['candidate']} | {one['rows_per_s']:,} | {one['mb_per_s']:,} | "
            f"{one['cpu_s_per_million_rows']:.2f} | {one['peak_rss_mb']:,} | {ratio} | {seen} |"
        )
    yield from ("", "What the machine itself can do, one core, in the same run:", "", "| limit | |", "|---|---:|")
    for name, speed in around["mb_per_s"].items():
        yield f"| {name} | {speed:,.0f} MB/s |"
    for name, speed in around["raw_fetch_rows_per_s"].items():
        yield f"| raw fetch of {name}, nobody looking into the batches | {speed:,} rows/s |"


if __name__ == "__main__":
    for name in sys.argv[1:] or ["build/bench.json"]:
        results = Path(name)
        beside = results.with_suffix(".around.json")
        print("\n".join(page(json.loads(results.read_text()), json.loads(beside.read_text()))), end="\n\n")  # noqa: T201 - a command prints
