"""A task's log warns of records that gave the table nothing, also of those that a worker process has loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from kit.kafka_topics import producer
from kit.task_run import TaskRun

from airflow_provider_kafka_odps.core.load import shares

COLUMNS = {"id": "order_idd", "city": "address.town", "trace": "__headers__.trac", "p": "__partition__"}
WHOLE = {"start": "earliest", "end": "latest", "create_table": True}


@pytest.fixture
def topic(broker: Any, make_topic: Callable[..., str]) -> str:
    """Return a topic of two partitions, whose second one has an envelope around the same."""
    name = make_topic(partitions=2)
    to = producer(broker.bootstrap_servers)
    order = {"order_id": 1, "address": {"city": "x"}}
    for number in range(40):
        value = order if number % 2 else {"after": order}
        to.produce(name, json.dumps(value).encode(), partition=number % 2, headers=[("trace", b"secret")])
    assert to.flush(60) == 0
    return name


@pytest.mark.parametrize("workers", [1, 2])
def test_what_columns_are_filled_from_and_is_nowhere_is_in_the_log(
    topic: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], workers: int
) -> None:
    """Each with the nearest names that were there, and no value; the receipt has the numbers."""
    monkeypatch.setattr(shares, "LEAST_SPAN", 1)
    capfd.readouterr()
    receipt = task_run.attempt(topic=topic, table=topic.replace("-", "_"), columns=COLUMNS, workers=workers, **WHOLE)

    said = "".join(capfd.readouterr())
    assert "what 3 columns are filled from is in none of 40 records" in said
    assert "no record has order_idd; the nearest: order_id; also there: " in said
    assert "address is there, address.town is not; also there: address.city" in said
    assert "no record has __headers__['trac']; the nearest: __headers__['trace']" in said
    assert "all 40 rows are NULL in " in said
    assert "secret" not in said
    assert said.count("[warning") == 2
    assert (receipt["workers"], receipt["nulls"]) == (workers, {"id": 40, "city": 40, "trace": 40})
    assert receipt["empty_rows"] == 40
