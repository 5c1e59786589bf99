"""How much is asked of the broker: not the rest of the log, and nothing more of partitions that are finished."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kit.kafka_proxy import KafkaProxy, proxied
from kit.kafka_topics import producer

from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

RECORDS, VALUE = 3_000, 10_000
"""30 MB in each of two partitions."""
FETCH = 1 << 20


@pytest.fixture(scope="module")
def filled(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of two partitions, with batches that a fetch takes many of."""
    topic = make_topic(partitions=2)
    to = producer(broker.bootstrap_servers, batch_size=100_000)
    for number in range(2 * RECORDS):
        to.produce(topic, b"x" * VALUE, partition=number % 2)
        to.poll(0)
    assert to.flush(60) == 0
    return topic


@pytest.fixture
def received(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return the sizes of all answers of the broker to the hook of this test."""
    sizes: list[int] = []
    answer = KafkaProxy.answer

    def counted(proxy: KafkaProxy, body: bytes) -> tuple[bytes, bool]:
        sizes.append(len(body))
        return answer(proxy, body)

    monkeypatch.setattr(KafkaProxy, "answer", counted)
    with proxied(int(broker.bootstrap_servers.rpartition(":")[2])) as proxy:
        extra = {"bootstrap.servers": proxy.servers}
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
        yield sizes


@pytest.mark.parametrize("ends", [{0: 1, 1: 0}, {0: 10, 1: 10}, {0: RECORDS, 1: 1}])
def test_little_beyond_the_window_is_fetched(filled: str, received: list[int], ends: Mapping[int | str, int]) -> None:
    """Behind the end of the window come two answers at most, the one that is read and the next on its way."""
    hook = KafkaHook()
    window = hook.plan(filled, dict.fromkeys(ends, 0), ends)
    read = sum(batch.num_rows for batch in hook.read(window, fetch_bytes=FETCH))
    assert read == sum(ends.values())
    # Of a batch that does not fit any more, an answer has a part, or all where it is the first one.
    assert sum(received) <= read * (VALUE + 100) + 3 * (FETCH + 100_000)
    assert max(received) <= FETCH + 100_000 + 10_000
