"""The broker answers late, in part or not at all, or has less than it had: the window is loaded once, or not at all."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from conftest import MakeTopic
from delivery.conftest import MakeScene
from delivery.scene import OLD_ROW, Log, Scene, kafka_connection, together
from demo.broker import Broker
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from kit.clusters import cluster_at
from kit.kafka_proxy import KafkaProxy, proxied
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.clients.kafka.admin import Admin
from airflow_provider_kafka_odps.core.window.facts import Questions

MODES = ("append", "overwrite")


@pytest.fixture
def proxy(broker: Broker) -> Iterator[KafkaProxy]:
    """Return what stands between attempts and the broker."""
    with proxied(*ports(broker)) as proxy:
        yield proxy


def ports(broker: Broker) -> list[int]:
    """Return the ports of a cluster on this machine."""
    return [int(server.rpartition(":")[2]) for server in broker.bootstrap_servers.split(",")]


def through(proxy: KafkaProxy, *scenes: Scene) -> None:
    """Let the attempts of these scenes find the broker behind the proxy."""
    for scene in scenes:
        # The question why nothing comes is given up soon, too.
        connection = kafka_connection(proxy.servers, socket_connection_setup_timeout_ms=5_000)
        scene.environment["AIRFLOW_CONN_KAFKA_DEFAULT"] = connection


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_that_is_cut_within_a_fetch(make_scene: MakeScene, proxy: KafkaProxy, times: int) -> None:
    """What was on its way is read again; nothing is lost and nothing is there twice."""
    scene = make_scene()
    through(proxy, scene)
    proxy.cut(b"never", times)
    scene.check_loaded_once(scene.attempt())
    assert proxy.cuts == times


def test_a_broker_that_stalls(make_scene: MakeScene, proxy: KafkaProxy) -> None:
    """At the deadline the attempt says how far it came, and nothing is visible; the next one loads it all."""
    cases = [(make_scene(mode, poll_timeout=2),) for mode in MODES]
    through(proxy, *(scene for (scene,) in cases))

    def give_up(scene: Scene) -> None:
        # One after the other: what stalls the one's reading would stall the other's survey.
        proxy.stall(b"never")
        ended = scene.attempt()
        assert (ended.error, ended.retry_helps) == ("NoProgress", True), ended
        assert "2 s" in ended.text
        scene.check_unchanged()
        proxy.resume()

    def load(scene: Scene) -> None:
        scene.parameters["poll_timeout"] = 30
        scene.check_loaded_once(scene.attempt())

    for (scene,) in cases:
        give_up(scene)
    together(load, cases)


def test_a_broker_that_goes_on_in_time(make_scene: MakeScene, proxy: KafkaProxy) -> None:
    """An answer that comes before the deadline is as good as any other."""
    scene = make_scene(poll_timeout=60)
    through(proxy, scene)
    proxy.stall(b"never")
    running = scene.start()
    assert proxy.held.wait(60)
    proxy.resume()
    scene.check_loaded_once(running.wait())
    assert "batch" in running.trace()


@pytest.fixture
def own_log(broker: Broker, make_topic: MakeTopic) -> Log:
    """Return a topic of two partitions, with some batches of one record each, that belongs to one test."""
    return filled(Log(broker.bootstrap_servers, make_topic(partitions=3)))


def filled(log: Log, batches: int = 3, padding: str = "") -> Log:
    """Write batches of one record into the first two partitions, each value ending with the same padding."""
    writer = producer(log.servers)
    for partition in range(2):
        for number in range(batches):
            value = f"{partition} {number}{padding}"
            send(writer, log.topic, [value.encode()], partition=partition)
            log._records.append((partition, number, value))
    return log


def on(scene: Scene, log: Log) -> Scene:
    """Let a scene load from another topic."""
    scene.parameters["topic"] = log.topic
    scene.parameters["start"] = {"0": 0, "1": 0, "2": 0}
    scene.environment["AIRFLOW_CONN_KAFKA_DEFAULT"] = kafka_connection(log.servers)
    return replace(scene, log=log)


def test_a_topic_that_is_created_again(make_scene: MakeScene, own_log: Log, admin: KafkaAdminClient) -> None:
    """Between two attempts: the offsets name other records now, and the task says so, whatever is skipped."""
    scenes = [
        on(make_scene(mode, on_data_loss=loss), own_log) for mode, loss in zip(MODES, ("fail", "skip"), strict=True)
    ]
    for scene in scenes:
        assert scene.attempt({"block 1": signal.SIGKILL}).killed
    admin.delete_topics([own_log.topic])
    admin.create_topics([NewTopic(own_log.topic, 3, 1)])
    filled(own_log)
    for scene in scenes:
        ended = scene.attempt()
        assert (ended.error, ended.retry_helps) == ("TopicReplaced", False), ended
        scene.check_unchanged()


@pytest.mark.parametrize(("on_data_loss", "mode"), [("fail", "append"), ("skip", "overwrite")])
def test_retention_overtakes_the_read(
    make_scene: MakeScene, own_log: Log, admin: KafkaAdminClient, proxy: KafkaProxy, on_data_loss: str, mode: str
) -> None:
    """Offsets that expire while the window is read fail the task, or are missing in table and receipt alike."""
    # How much is left when the read goes on is chance: it may be nothing, which by itself replaces no rows.
    scene = on(make_scene(mode, on_data_loss=on_data_loss, on_fewer_rows="replace"), own_log)
    through(proxy, scene)
    # The answer that is held up is cut afterwards: its records are asked for again.
    proxy.cut(b"0 1", 1)
    proxy.stall(b"0 1")
    running = scene.start()
    assert proxy.held.wait(60)
    for number in range(2):
        admin.delete_records({TopicPartition(own_log.topic, number): 3})
    proxy.resume()
    ended = running.wait()
    if on_data_loss == "fail":
        assert (ended.error, ended.retry_helps) == ("OffsetsExpired", False), ended
        scene.check_unchanged()
        return
    assert ended.receipt is not None, ended
    rows = scene.rows()
    assert set(rows) <= set(own_log._records)
    assert len(rows) == len(set(rows)) == ended.receipt["rows"] < 6
    assert sum(counts.get("missing", 0) for counts in ended.receipt["partitions"].values()) == 6 - len(rows)


@pytest.mark.timeout(400)
def test_the_leader_is_killed(make_scene: MakeScene, cluster: Broker) -> None:
    """In the middle of the window another broker becomes the leader: nothing is lost, and nothing is there twice."""
    topic = f"test-{uuid.uuid4().hex[:12]}"
    with (
        closing(KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)) as admin,
        proxied(*ports(cluster)) as before,
    ):
        admin.create_topics([NewTopic(topic, 3, 3)])
        log = filled(Log(cluster.bootstrap_servers, topic), batches=6, padding="." * 700)
        scene = on(make_scene(poll_timeout=90), log)
        through(before, scene)
        before.cut(b"0 2", 1)
        before.stall(b"0 2")
        running = scene.start()
        assert before.held.wait(60)
        (described,) = admin.describe_topics([topic])
        leaders = {each["partition_index"]: each["leader_id"] for each in described["partitions"]}
        assert (
            Admin(admin, cluster_at(cluster.bootstrap_servers)).survey(topic, Questions()).leaders
            == len(set(leaders.values()))
            > 1
        )
        leader = leaders[0]
        cluster.nodes[leader - 1].kill()
        before.resume()
        scene.check_loaded_once(running.wait())


@pytest.mark.timeout(400)
def test_an_unclean_election(make_scene: MakeScene, cluster: Broker) -> None:
    """A log that lost what was planned, and has other records there, is not taken for it; "skip" loads what it has."""
    topic, (leader, follower, _) = f"test-{uuid.uuid4().hex[:12]}", cluster.nodes
    configs = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    with closing(KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)) as admin:
        admin.create_topics(
            [
                NewTopic(
                    topic, -1, -1, replica_assignments={number: [1, 2] for number in range(3)}, topic_configs=configs
                )
            ]
        )
        log = filled(Log(cluster.bootstrap_servers, topic))
        follower.kill()
        lost = filled(Log(cluster.bootstrap_servers, topic), batches=2, padding=" is lost")
        scene = on(make_scene(), log)
        assert scene.attempt({"ensure": signal.SIGKILL}).killed
        assert (scene.journal() or {})["window"]["partitions"] == {"0": [0, 5], "1": [0, 5], "2": [0, 0]}
        leader.kill()
        follower.start()
        await_leader(admin, topic, 2)
    others = filled(Log(cluster.bootstrap_servers, topic), batches=4, padding=" came instead")
    ended = scene.attempt()
    assert (ended.error, ended.retry_helps) == ("LogTruncated", False), ended
    for number in range(2):
        assert f"{topic}[{number}]: the window ends at 5, which was written in leader epoch" in ended.text
        assert "the log has it up to 3 now" in ended.text
    scene.check_unchanged()
    scene.clear()
    scene.parameters["on_data_loss"] = "skip"
    ended = scene.attempt()
    assert ended.receipt is not None, ended
    assert ended.receipt["possibly_missing"] == [f"{topic}[{number}]@[3, 5)" for number in range(2)]
    came = [(number, offset + 3, value) for number, offset, value in others._records if offset < 2]
    assert scene.rows() == sorted([OLD_ROW, *log._records, *came])
    assert not {value for *_, value in lost._records} & {value for *_, value in scene.rows()}


def await_leader(admin: KafkaAdminClient, topic: str, node: int) -> None:
    """Wait until a node leads every partition of a topic."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(KafkaError):
            (described,) = admin.describe_topics([topic])
            if {each["leader_id"] for each in described["partitions"]} == {node}:
                return
        time.sleep(0.2)
    pytest.fail(f"node {node} does not lead {topic}")
