"""By how much a process that loads one window grows at most: run as a program, which has nothing else in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psutil
from kit.task_run import TaskRun

# What is imported when a load begins is no part of what it takes.
import airflow_provider_kafka_odps.clients.kafka.reader
import airflow_provider_kafka_odps.transfers.build  # noqa: F401 - the same


def main(parameters: dict[str, Any]) -> None:
    """Run one attempt and print what it returned or raised, and the growth in bytes."""
    before = psutil.Process().memory_info().rss
    told: dict[str, Any]
    try:
        receipt = TaskRun().attempt(**parameters)
        told = {"rows": receipt["rows"], "rejects": receipt["rejects"], "error": None}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is printed
        told = {"error": str(error)}
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = int(next(line for line in status if "VmHWM" in line).split()[1]) * 1024
    sys.stdout.write(f"\n{json.dumps({**told, 'grown': peak - before})}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
