"""What a load tells Airflow's metrics beside what every load has: late records, lost offsets, the team."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from core.examples import facts_of, orders, window_of

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.transfers.runtime.telemetry.metrics import report_metrics

RECEIPT = Receipt(
    window=window_of((0, 10), (0, 4)),
    table="shop.t",
    partition=None,
    mode=Mode.APPEND,
    upload_id="u1",
    blocks=1,
    partitions={orders(0): Counts(8, 0, 0, missing=2, late=3), orders(1): Counts(4, 0, 0, late=1)},
    bytes=120,
    not_json=0,
    seconds={},
)


class Recorder:
    """A backend of Airflow's metrics that remembers."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}
        self.tags: set[tuple[tuple[str, str], ...]] = set()

    def incr(self, stat: str, count: int, *, tags: dict[str, str]) -> None:
        self.counts[stat] = count
        self.tags.add(tuple(sorted(tags.items())))

    timing = gauge = incr


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Return the backend of Airflow's metrics, which are on."""
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    recorder = Recorder()
    monkeypatch.setattr("airflow.sdk._shared.observability.metrics.stats._backend", recorder)
    return recorder


def report(**team: str) -> None:
    """Report the load of a task instance, of a team where Airflow has several."""
    ti: Any = SimpleNamespace(stats_tags={"dag_id": "d", "task_id": "load", **team})
    report_metrics(RECEIPT, lambda *_: facts_of(PartitionFacts(0, 0, 10, 10), PartitionFacts(1, 0, 4, 4)), ti)


def test_late_records_and_lost_offsets_are_counted(recorder: Recorder) -> None:
    """As the receipt has them, over all partitions."""
    report()
    assert (recorder.counts["kafka_odps.late"], recorder.counts["kafka_odps.missing"]) == (4, 2)
    assert recorder.tags == {(("table", "shop.t"), ("topic", "orders"))}


def test_a_team_has_its_tag(recorder: Recorder) -> None:
    """Where Airflow has teams, each metric says whose load it is, as Airflow's own do."""
    report(team_name="orders_team")
    assert recorder.tags == {(("table", "shop.t"), ("team_name", "orders_team"), ("topic", "orders"))}
