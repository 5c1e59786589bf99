from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from demo.broker import Broker, available_broker, await_cluster, running_broker
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

_PARENT = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
from demo.broker import running_broker
with running_broker() as broker:
    print(broker.nodes[0].home.parent, *broker.pids, flush=True)
    time.sleep(600)
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_no_node_outlives_the_process_that_started_it(end: signal.Signals) -> None:
    """After Ctrl-C nothing is left, neither process nor folder; after kill -9 no process."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "example_dags")}
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert parent.stdout is not None
    try:
        home, pid = parent.stdout.readline().decode().split()
        assert _alive(int(pid))
        parent.send_signal(end)
        assert parent.wait(120) != 0
        deadline = time.monotonic() + 10
        while _alive(int(pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _alive(int(pid))
        assert end is signal.SIGKILL or not Path(home).exists()
        shutil.rmtree(home, ignore_errors=True)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_ones_own_broker_wins() -> None:
    """With KAFKA_BOOTSTRAP_SERVERS set that one is used, and none is started."""
    told: list[str] = []
    with available_broker({"KAFKA_BOOTSTRAP_SERVERS": " kafka-1:9092,kafka-2:9092 "}, report=told.append) as broker:
        assert broker == Broker("kafka-1:9092,kafka-2:9092")
    assert told == ["using the Kafka broker at kafka-1:9092,kafka-2:9092"]


def test_a_broker_that_cannot_start_says_why() -> None:
    """Settings that Kafka refuses come with Kafka's own words."""
    with pytest.raises(RuntimeError, match="Invalid value none of them for configuration"):
        running_broker(settings={"node.id": "none of them"}).__enter__()


def test_a_node_can_be_killed_and_started_again(tmp_path: Path) -> None:
    """A node that was killed comes back on its port with what it had."""
    # The dead node's session has to end before it may come back.
    with running_broker(tmp_path, settings={"broker.session.timeout.ms": "3000"}) as broker:
        (node,) = broker.nodes
        with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)) as admin:
            admin.create_topics([NewTopic("kept", 1, 1)])
        node.kill()
        assert broker.pids == ()
        node.start()
        await_cluster(broker, time.monotonic() + 60)
        with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)) as admin:
            assert "kept" in admin.list_topics()
