"""Two attempts at one window on a real broker and a real endpoint: what the tunnel received, block by block."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kit.kafka_topics import producer
from kit.task_run import TaskRun

from airflow_provider_kafka_odps.clients.kafka import reader
from airflow_provider_kafka_odps.core.load.lanes import sampling
from airflow_provider_kafka_odps.core.load.layout import lay_out
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.local.sessions.log import FileLog
from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, RunningEndpoint, running_endpoint

BLOCKS = 7
Rows = dict[int, list[tuple[int, str]]]
"""By partition: offsets and values, in the order in which they are in a block."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the endpoint keeps what it receives."""
    return tmp_path_factory.mktemp("endpoint")


@pytest.fixture(scope="module")
def endpoint(kept: Path) -> Iterator[RunningEndpoint]:
    """Return an endpoint whose sessions can be looked into."""
    with running_endpoint(kept) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def topic(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of two partitions: records, and transactions of which every third one is aborted."""
    topic = make_topic(partitions=2)
    plain = producer(broker.bootstrap_servers)
    to = producer(broker.bootstrap_servers, transactional_id=str(uuid.uuid4()))
    to.init_transactions(30)
    for number in range(60):
        to.begin_transaction()
        for at in range(20):
            to.produce(topic, b"%d.%d" % (number, at), partition=at % 3 % 2)
        if number % 3:
            to.commit_transaction(30)
        else:
            # Those that were not sent would be dropped.
            assert to.flush(30) == 0
            to.abort_transaction(30)
        plain.produce(topic, b"%d" % number, partition=number % 2)
        assert plain.flush(30) == 0
    return topic


def _received(kept: Path, upload_id: str) -> dict[int, Rows]:
    """Return what each block of an upload has, as the endpoint has decoded it."""
    (log,) = kept.rglob(f"{upload_id}.jsonl")
    blobs = {path.name for path in kept.rglob("*.arrow")}
    (session,) = (each for each in FileLog(log.parent).load(blobs) if each.upload_id == upload_id)
    blocks = {}
    for number, block in session.blocks.items():
        (path,) = kept.rglob(block.blob.name)
        rows: Rows = defaultdict(list)
        with pa.ipc.open_stream(path.read_bytes()) as stream:
            # Its columns have numbers of the endpoint's own, in the order of the table's.
            for partition, offset, value in zip(*(each.to_pylist() for each in stream.read_all().columns), strict=True):
                rows[partition].append((offset, value))
        blocks[number] = dict(rows)
    return blocks


def test_two_attempts_write_the_same_blocks(
    topic: str, endpoint: RunningEndpoint, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lane or four, small answers or large ones, requests that fail: the same rows under the same numbers.

    Of each partition in the order of offsets, and none that the layout has not put into the block. Where one block has
    several partitions, brokers answer in any order, so that their rows may stand between each other's.
    """
    # The same layout for both: what a few records are large by is not the same to a byte, wherever batches end.
    sizes = dict.fromkeys(range(2), 1_000)
    monkeypatch.setattr(Resources, "blocks", lambda *_: BLOCKS)
    monkeypatch.setattr(sampling, "row_sizes", lambda *_: sizes)
    parameters: dict[str, Any] = {
        "topic": topic,
        "start": "earliest",
        "end": "latest",
        "create_table": True,
        "columns": {"p": "__partition__", "o": "__offset__", "v": "__value__"},
    }
    receipts, received = [], []
    for lanes, answer in ((1, 1 << 20), (4, 2_000)):
        # As long as more than one record batch is left out of an answer, it ends where the next one begins.
        monkeypatch.setattr(reader, "answer_bytes", lambda *_, answer=answer: answer)
        if lanes > 1:
            endpoint.control.inject(Operation.WRITE_BLOCK, Drop(Moment.AFTER), nth=2, times=2)
            endpoint.control.inject(Operation.WRITE_BLOCK, Drop(Moment.BEFORE), nth=5)
        receipts.append(TaskRun().attempt(table=f"attempts_{lanes}", concurrency=lanes, **parameters))
        received.append(_received(kept, receipts[-1]["upload_id"]))
    assert sum(len(rule.fired) for rule in endpoint.control.faults()) == 3
    assert receipts[0]["partitions"] == receipts[1]["partitions"]
    assert receipts[0]["rows"] == 40 * 20 + 60
    assert received[0] == received[1]
    window = Window.from_json(receipts[0]["window"])
    for block in lay_out(window, BLOCKS, sizes):
        ranges = {each.partition: range(each.start, each.end) for each in block.ranges}
        found = {partition: [at for at, _ in rows] for partition, rows in received[0][block.number].items()}
        for partition, offsets in found.items():
            assert offsets == sorted(set(offsets))
            assert set(offsets) <= set(ranges[partition])
