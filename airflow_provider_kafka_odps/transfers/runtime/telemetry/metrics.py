"""What a load reports to Airflow's metrics (docs/tuning.md, "Metrics")."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

_SWITCHES = ("statsd_on", "statsd_datadog_enabled", "otel_on")


_log = logging.getLogger(__name__)


def report_metrics(receipt: Receipt, survey: Callable[[str, Questions], TopicFacts], ti: Any) -> None:
    """Count a load that has just been committed, where Airflow is configured to have metrics.

    ``survey`` is asked where the logs end by now; where it fails, there is no ``kafka_odps.lag``: the rows are loaded.
    ``ti`` is the task instance, which knows its team where Airflow has several.
    """
    from airflow.sdk.configuration import conf
    from airflow.sdk.observability import stats

    if not any(conf.getboolean("metrics", switch, fallback=False) for switch in _SWITCHES):
        return
    tags = {"topic": receipt.window.topic, "table": receipt.table, **_team(ti)}
    for name, count in _counts(receipt).items():
        stats.incr(f"kafka_odps.{name}", count, tags=tags)
    for stage, spent in receipt.seconds.items():
        # In milliseconds, as all timings of statsd are.
        stats.timing(f"kafka_odps.{stage}", spent * 1000, tags=tags)
    if receipt.speed is not None:
        stats.incr("kafka_odps.refused", receipt.speed.refused, tags=tags)
        stats.gauge("kafka_odps.lanes", receipt.speed.lanes, tags=tags)
        stats.gauge("kafka_odps.pace", receipt.speed.pace, tags=tags)
    try:
        facts = survey(receipt.window.topic, Questions())
    except KafkaOdpsError as error:
        _log.warning("kafka_odps.lag is not known: %s", error)
        return
    stats.gauge("kafka_odps.lag", lag(receipt.window, facts), tags=tags)


def _counts(receipt: Receipt) -> dict[str, int]:
    return {
        "rows": receipt.rows,
        "bytes": receipt.bytes,
        "rejects": receipt.rejects,
        "filtered": receipt.filtered,
        "late": receipt.late,
        "missing": receipt.lost,
    }


def _team(ti: Any) -> dict[str, str]:
    # As Airflow's own metrics have it: no tag where there are no teams.
    team = ti.stats_tags.get("team_name")
    return {"team_name": team} if team else {}


def lag(window: Window, facts: TopicFacts) -> int:
    """Return how many offsets lie behind the window, in its partitions."""
    return sum(
        max(0, facts.partitions[offsets.partition].high - offsets.end)
        for offsets in window.ranges
        if offsets.partition in facts.partitions
    )
