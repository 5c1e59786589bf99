"""Loads that never were: windows, receipts, journals and events, as the package itself writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase, Target
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt, Reconciled
from airflow_provider_kafka_odps.core.load.pacing.progress import LoadProgress
from airflow_provider_kafka_odps.core.options import IsolationLevel, Mode
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.transfers.runtime.assets import event_of

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
HOSTILE = '<img src=x onerror="window.broken=1">\'&amp;</script><script>window.broken=1</script>'
TOPIC, TABLE = "orders", "shop.orders_hourly"
DAG, TASK = "hourly_orders", "load"
LIMIT = (
    "MaxCompute took 9.8 MB/s of each block, and the lanes waited for it 81 % of their time; its documented pace is "
    "10 MB/s. More lanes wait at the same time: concurrency=16 needs max_memory of 600MB"
)


def run_of(hour: int) -> str:
    """Return the id of the run that loads an hour."""
    return f"scheduled__{(MIDNIGHT + timedelta(hours=hour)).isoformat()}"


def window_of(hour: int, ranges: Mapping[int, tuple[int, int]], *, topic: str = TOPIC, lag: int = 0) -> Window:
    """Return the window of an hour; the log goes on behind it for so many offsets in each partition."""
    start, end = (MIDNIGHT + timedelta(hours=hour + more) for more in (0, 1))
    asked = [each.isoformat().replace("+00:00", "Z") for each in (start, end)]
    return Window(
        topic,
        "MkU3OEVBNTcwNTJENDM2Qg",
        "5L6g3nShT-eMCtK--X86sw",
        IsolationLevel.READ_COMMITTED,
        end + timedelta(seconds=7),
        ResolvedBound(asked[0], f"cut of run {run_of(hour - 1)}", start),
        ResolvedBound(asked[1], "broker", end),
        tuple(OffsetRange(topic, number, *ends) for number, ends in sorted(ranges.items())),
        log_ends={number: ends[1] + lag for number, ends in ranges.items()},
    )


def receipt_of(window: Window, odd: Mapping[int, Counts] | None = None, **more: Any) -> Receipt:
    """Return the receipt of a load in which every offset became a row, but for odd partitions."""
    counts = {each.topic_partition: Counts(each.span, 0, 0) for each in window.ranges}
    counts |= {TopicPartition(window.topic, number): each for number, each in (odd or {}).items()}
    size = 210 * sum(each.rows for each in counts.values())
    made = Receipt(
        window,
        TABLE,
        f"ds='{window.planned_at:%Y%m%d}',hh='{window.planned_at:%H}'",
        Mode.APPEND,
        f"upload-{window.planned_at:%Y%m%d%H}",
        18,
        counts,
        size,
        0,
        {"prepare": 1.2, "queue": 2.0, "wait": 9.5, "decode": 6.1, "project": 11.0, "write": 130.0, "commit": 0.8},
        learned=CommitProof.ANSWERED,
        reconciled=Reconciled.OFFSETS,
        speed=Speed(lanes=8, elapsed=21.4, cpu=20.0, cores=4, pace=int(size / 21.4), lane_pace=9_800_000),
        limit=LIMIT,
    )
    return replace(made, **more)


def journal_of(phase: Phase, window: Window, receipt: Receipt | None = None, **more: Any) -> dict[str, Any]:
    """Return the journal of a load, as it stands in the task's state store."""
    made = receipt or receipt_of(window)
    target = Target(window.topic, made.table, made.partition, made.mode)
    later = phase not in (Phase.PLANNED, Phase.UPLOADING)
    entry = Journal(phase, target, window, 0, made.upload_id, made if later else None)
    return replace(entry, **more).to_json()


def progress_of(window: Window, share: float, upload_id: str, at: datetime) -> dict[str, Any]:
    """Return how far a load is: the first partitions are further than the last ones."""
    passed, left = dict[int, int](), int(window.span * share)
    for each in window.ranges:
        passed[each.partition] = min(each.span, max(int(each.span * share * 0.7), left))
        left -= passed[each.partition]
    rows = sum(passed.values())
    return LoadProgress(20.4, rows, 210 * rows).to_json(upload_id, 1, at, window, passed)


def instance_of(state: str | None, *, try_number: int = 1, max_tries: int = 3, dag_id: str = DAG) -> dict[str, Any]:
    """Return a task instance, as far as the pages look at it."""
    return {
        "task_id": TASK,
        "dag_id": dag_id,
        "dag_run_id": run_of(10),
        "map_index": -1,
        "state": state,
        "try_number": try_number,
        "max_tries": max_tries,
        "operator_name": "KafkaToMaxComputeOperator",
        "operator": "KafkaToMaxComputeOperator",
        "run_after": MIDNIGHT.isoformat(),
    }


@dataclass(frozen=True)
class Loaded:
    """A load that is done, for the events of its table."""

    receipt: Receipt
    hour: int
    dag_id: str = DAG
    uri: str = "maxcompute://shop/orders_hourly"

    def event(self, number: int) -> dict[str, Any]:
        """Return the event."""
        return {
            "id": number,
            "asset_id": 7,
            "uri": self.uri,
            "name": self.uri,
            "extra": event_of(self.receipt, None, 0),
            "source_dag_id": self.dag_id,
            "source_run_id": run_of(self.hour),
            "source_task_id": TASK,
            "source_map_index": -1,
            "created_dagruns": [],
            "timestamp": (self.receipt.window.planned_at + timedelta(seconds=40)).isoformat(),
        }


def hours(numbers: Iterable[int], partitions: int, span: int = 1_000) -> list[Loaded]:
    """Return loads of these hours, which tile the log of each partition; a higher partition has fewer records."""

    def of_hour(hour: int) -> Loaded:
        each = {number: max(1, span // (number % 7 + 1)) for number in range(partitions)}
        ranges = {number: (hour * its, (hour + 1) * its) for number, its in each.items()}
        return Loaded(receipt_of(window_of(hour, ranges, lag=span // 2)), hour)

    return [of_hour(hour) for hour in numbers]
