"""What this machine, or its container, gives to a load."""

from __future__ import annotations

import os
from pathlib import Path

from airflow_provider_kafka_odps.commands.checking.steps import Step
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.transfers.parameters import cores

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux keeps the limit of a container."""


def machine_step(resources: Resources, max_memory: int) -> Step:
    """Return whether a load's memory is there, and how many cores it may use."""
    memory = memory_bytes()
    takes = max_memory * resources.workers
    seen = (
        f"{cores()} cores, {_megabytes(memory)} of memory; a load grows by up to {_megabytes(takes)} (max_memory"
        f"{f' of each of {resources.workers} workers' if resources.workers > 1 else ''}), and reads and writes up to "
        f"{max(1, resources.concurrency)} blocks at a time in each process"
    )
    if memory is None or takes <= memory:
        return Step("machine", works=True, seen=seen)
    return Step(
        "machine", works=False, seen=seen, to_do="give tasks more memory, or the load less: max_memory=, workers="
    )


def memory_bytes() -> int | None:
    """Return the memory of the machine, or the limit of its container where that is less; None: nobody knows."""
    known = [limit for path in _LIMITS if (limit := _limit(path)) is not None]
    names = getattr(os, "sysconf_names", {})
    if {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= names.keys():
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(known, default=None)


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _megabytes(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size // 10**6} MB"
