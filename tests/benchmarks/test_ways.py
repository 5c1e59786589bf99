"""The other ways are worth a comparison: they load what ours loads, cell by cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.running import WAYS, run
from benchmarks.surroundings import Surroundings, table_of
from benchmarks.topics import fill
from benchmarks.workloads import WORKLOADS
from demo.broker import Broker

from airflow_provider_kafka_odps.local.testing import running_endpoint

_ROWS = 40


@pytest.mark.parametrize(
    ("name", "ways"), [("W2", ["ours", "(a)", "(b)", "(c)", "(c2+)"]), ("W7", ["ours", "(b)", "(c)"])]
)
def test_every_way_loads_the_same_rows(name: str, ways: Sequence[str], broker: Broker, tmp_path: Path) -> None:
    """Each way adds the rows of the topic up to its end once, and nothing of what is behind it."""
    chosen = [way for told, way in WAYS.items() if told.partition(" ")[0] in ways]
    workload = WORKLOADS[name]
    topic = fill(broker.bootstrap_servers, workload, _ROWS + 9, seed=1)
    with running_endpoint() as endpoint:
        around = Surroundings(broker.bootstrap_servers, endpoint, endpoint.endpoint, tmp_path)
        around.create_table(workload)
        for way in chosen:
            run(way, around.orders(workload, topic, _ROWS), around.environment(), tmp_path / "way.log")
        with around.client().get_table(table_of(workload)).open_reader() as reader:
            rows: list[tuple[Any, ...]] = [tuple(record.values) for record in reader]
    assert len(chosen) == len(ways)
    assert len(rows) == len(chosen) * _ROWS
    assert {rows.count(row) for row in rows} == {len(chosen)}
