"""Records as large as a broker takes: what a load grows by is bounded, whatever becomes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kit.kafka_topics import producer
from kit.unbroken import unbroken

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY

MB = 1 << 20
TRIES = 3
LARGE = b"0123456789abcdef" * (48 * MB // 16)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")


@pytest.fixture(scope="module")
def topic_of(broker: Broker, make_topic: MakeTopic) -> Callable[..., str]:
    """Return a function that makes a topic with one record in it."""

    def make(**record: Any) -> str:
        topic = make_topic(configs={"max.message.bytes": str(100 * MB)})
        writer = producer(broker.bootstrap_servers, message_max_bytes=100 * MB)
        writer.produce(topic, partition=0, **record)
        assert writer.flush(60) == 0
        return topic

    return make


def load(topic: str, **parameters: Any) -> dict[str, Any]:
    """Load a topic in a process of its own, and return what came of it."""
    whole = {"start": "earliest", "end": "latest", "create_table": True, "poll_timeout": 60}
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "kit.measured_load"),
            json.dumps({"topic": topic, "table": topic.replace("-", "_"), **whole, **parameters}),
        ],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        timeout=120,
    )
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def test_a_header_of_48_megabytes(topic_of: Callable[..., str]) -> None:
    """It does not fit into a field and is refused, with its place, within the memory that a load may take."""
    topic = topic_of(value=b"v", headers=[("large", LARGE)])
    told = load(topic)
    assert f"{topic}[0] offset 0, column headers: headers of {len(LARGE)} bytes" in told["error"]
    assert told["grown"] < MAX_MEMORY
    # Where nobody wants headers, it is no concern of anybody.
    told = load(topic, columns={"value": "__value__"})
    assert (told["error"], told["rows"]) == (None, 1)
    assert told["grown"] < MAX_MEMORY


def test_a_batch_that_is_too_large_is_refused_before_it_is_unpacked(topic_of: Callable[..., str]) -> None:
    """What does not fit into the memory for one batch is not tried, and the message has place and size."""
    topic = topic_of(value=b"v", headers=[("large", LARGE), ("another", LARGE[: 40 * MB])])
    told = load(topic)
    assert f"{topic}[0] offset 0: " in told["error"]
    assert "the limit for one batch" in unbroken(told["error"])
    assert "max_memory is too small for this topic" in unbroken(told["error"])
    assert told["grown"] < MAX_MEMORY


def test_a_reject_that_is_kept_is_there_once(topic_of: Callable[..., str], tmp_path: Path) -> None:
    """A value of 48 MB that does not fit is kept, whole or cut, for less memory than three times its base64."""
    topic = topic_of(value=LARGE)
    counted = load(topic, max_rejects=1)
    assert (counted["error"], counted["rows"], counted["rejects"]) == (None, 0, 1)
    # Twice was enough before lanes, of which one that only counts keeps less than what was read ahead before.
    most = counted["grown"] + 3 * len(LARGE) * 4 // 3
    for name, value in (
        ("rejects_path", str(tmp_path / "{}.jsonl")),
        ("rejects_path", str(tmp_path / "{}.parquet")),
        ("rejects_table", f"{topic.replace('-', '_')}_rejects_{{}}"),
    ):
        grown: list[int] = []
        # On a busy machine a thread may be late to let go of what it has read: 48 MB, once in many loads.
        while len(grown) < TRIES and min(grown, default=most) >= most:
            kept = load(topic, max_rejects=1, **{name: value.format(len(grown))})
            assert (kept["error"], kept["rejects"]) == (None, 1)
            grown.append(kept["grown"])
        assert min(grown) < most, (value, grown)
