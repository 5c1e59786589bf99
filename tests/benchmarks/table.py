"""Runs become a table, and the list in ``build/bench.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.pace import Pace
from benchmarks.running import Run
from tabulate import tabulate

MILLION = 1_000_000


def summary(workload: str, value_bytes: int, runs: Mapping[str, Sequence[Run]], pace: Pace) -> list[dict[str, Any]]:
    """Return one object per way: the medians of its rounds, and how many times its rows per second ours has."""
    speeds = {way: median(run.rows / run.seconds for run in rounds) for way, rounds in runs.items()}
    return [
        {
            "workload": workload,
            "candidate": way,
            "pace_mb_per_s": pace.bytes_per_second and pace.bytes_per_second / 1e6,
            "latency_ms": pace.latency * 1e3,
            "rows": rounds[0].rows,
            "rows_per_s": round(speeds[way]),
            "mb_per_s": round(speeds[way] * value_bytes / 1e6, 1),
            "cpu_s_per_million_rows": round(median(run.cpu / run.rows for run in rounds) * MILLION, 2),
            "peak_rss_mb": round(max(run.peak for run in rounds)),
            "ratio_ours": _ratio(way, speeds),
            **_seen(rounds),
        }
        for way, rounds in runs.items()
    ]


def _ratio(way: str, speeds: Mapping[str, float]) -> float | None:
    """Return ours, with its default parameters, ÷ the way in rows per second; None where ours was not run."""
    return round(speeds["ours"] / speeds[way], 2) if "ours" in speeds else None


def _seen(rounds: Sequence[Run]) -> dict[str, float | None]:
    """Return blocks, how many at once, and MB/s of their bodies; None where no sink saw them."""
    seen = [(run.seen, run.seconds) for run in rounds if run.seen is not None]
    if not seen:
        return dict.fromkeys(("blocks", "blocks_at_once", "body_mb_per_s"))
    return {
        "blocks": round(median(one.blocks for one, _ in seen)),
        "blocks_at_once": max(one.at_once for one, _ in seen),
        "body_mb_per_s": round(median(one.bytes / seconds for one, seconds in seen) / 1e6, 1),
    }


def printed(found: Iterable[Mapping[str, Any]]) -> str:
    """Return the objects as an aligned table, under the sink that they were measured against."""
    listed = list(found)
    heads = {
        "workload": "",
        "candidate": "way",
        "rows_per_s": "rows/s",
        "mb_per_s": "MB/s",
        "cpu_s_per_million_rows": "CPU s per million",
        "peak_rss_mb": "peak RSS MB",
        "ratio_ours": "ours ÷ it",
        "blocks": "blocks",
        "blocks_at_once": "at once",
        "body_mb_per_s": "their MB/s",
    }
    rows = [[one[key] for key in heads] for one in listed]
    return f"{sink_of(listed[0])}\n{tabulate(rows, headers=list(heads.values()), intfmt=',')}"


def sink_of(one: Mapping[str, Any]) -> str:
    """Return the sink of a row, in words."""
    speed = one["pace_mb_per_s"]
    return str(Pace(speed and speed * 1e6, one["latency_ms"] / 1e3))
