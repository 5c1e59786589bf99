"""What the machine itself can do: the floor under every way, measured beside them."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import requests
from crc32c import crc32c
from kafka import KafkaConsumer, TopicPartition

from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer
from airflow_provider_kafka_odps.clients.kafka.transport import RoomyClient

_BYTES = 256 << 20
_PIECE = 1 << 20


def limits(sink: str) -> dict[str, float]:
    """Return MB/s of one core's memory copy and CRC-32C, and of a loopback PUT into the sink."""
    room = bytearray(os.urandom(_PIECE)) * (_BYTES // _PIECE)
    return {
        "memory copy": _speed(lambda: bytes(room)),
        "CRC-32C": _speed(lambda: crc32c(room)),
        "loopback PUT": _speed(lambda: _put(sink, memoryview(room))),
    }


def raw_fetch(servers: str, topic: str, ends: Mapping[str, int]) -> float:
    """Return how many records per second one process can receive, whose batches nobody looks into."""
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        kafka_client=RoomyClient,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=1_000_000,
        fetch_max_bytes=4 << 20,
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        batches = BatchConsumer(consumer)
        places = {TopicPartition(topic, int(number)): end for number, end in ends.items() if end}
        consumer.assign(list(places))
        for place in places:
            consumer.seek(place, 0)
        started = time.perf_counter()
        while any(consumer.position(place) < end for place, end in places.items()):
            batches.poll(500)
        return sum(places.values()) / (time.perf_counter() - started)
    finally:
        consumer.close(autocommit=False)


def machine() -> dict[str, Any]:
    """Return on what was measured, when, and how busy it was with other things at the beginning."""
    cores = Path("/proc/cpuinfo")
    lines = cores.read_text().splitlines() if cores.exists() else []
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?"),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _speed(deed: Callable[[], object]) -> float:
    """Return the best of three, in MB/s: what disturbs it makes it slower only."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        deed()
        best = min(best, time.perf_counter() - started)
    return _BYTES / best / 1e6


def _put(sink: str, room: memoryview) -> None:
    def pieces() -> Iterator[Any]:
        for start in range(0, len(room), _PIECE):
            yield room[start : start + _PIECE]

    requests.put(f"{sink}/nowhere?blockid=0&uploadid=limit", data=pieces(), timeout=60).raise_for_status()
