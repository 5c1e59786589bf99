"""Runs become a table, and the list in ``build/bench.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.running import Run
from tabulate import tabulate

MILLION = 1_000_000


def summary(workload: str, value_bytes: int, runs: Mapping[str, Sequence[Run]]) -> list[dict[str, Any]]:
    """Return one object per way: the medians of its rounds, and how many times its rows per second ours has."""
    speeds = {way: median(run.rows / run.seconds for run in rounds) for way, rounds in runs.items()}
    return [
        {
            "workload": workload,
            "candidate": way,
            "rows": rounds[0].rows,
            "rows_per_s": round(speeds[way]),
            "mb_per_s": round(speeds[way] * value_bytes / 1e6, 1),
            "cpu_s_per_million_rows": round(median(run.cpu / run.rows for run in rounds) * MILLION, 2),
            "peak_rss_mb": round(max(run.peak for run in rounds)),
            "ratio_ours": _ratio(way, speeds),
        }
        for way, rounds in runs.items()
    ]


def _ratio(way: str, speeds: Mapping[str, float]) -> float | None:
    """Return ours, with its default parameters, ÷ the way in rows per second; None where ours was not run."""
    return round(speeds["ours"] / speeds[way], 2) if "ours" in speeds else None


def printed(found: Iterable[Mapping[str, Any]]) -> str:
    """Return the objects as an aligned table."""
    heads = {
        "workload": "",
        "candidate": "way",
        "rows_per_s": "rows/s",
        "mb_per_s": "MB/s",
        "cpu_s_per_million_rows": "CPU s per million",
        "peak_rss_mb": "peak RSS MB",
        "ratio_ours": "ours ÷ it",
    }
    rows = [[one[key] for key in heads] for one in found]
    return tabulate(rows, headers=list(heads.values()), intfmt=",")
