"""What the clients' own loggers say in a good load, and where to hear more of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from demo.broker import Broker
from kafka.net.selector import NetworkSelector
from kit.task_run import Send, TaskRun

from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, RunningEndpoint

MakeTopic = Callable[..., str]
CLIENTS = ("kafka", "urllib3", "requests", "odps")


@pytest.fixture
def fresh_loggers() -> Iterator[None]:
    """Let the clients' loggers be as in a process in which nobody has set a level."""
    loggers = [logging.getLogger(name) for name in CLIENTS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.NOTSET)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def busy_machine(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, endpoint: RunningEndpoint, closed_port: int
) -> Iterator[None]:
    """Let all take long for kafka-python, one of the servers be down, and the tunnel hang up once."""
    monkeypatch.setitem(NetworkSelector.DEFAULT_CONFIG, "slow_task_threshold_secs", 1e-9)
    servers = f"127.0.0.1:{closed_port},{broker.bootstrap_servers}"
    extra = {"bootstrap.servers": servers}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    endpoint.control.inject(Operation.WRITE_BLOCK, Drop(Moment.BEFORE), times=1)
    yield
    endpoint.control.clear()


@pytest.fixture
def topic(make_topic: MakeTopic, send: Send) -> str:
    """Return a topic with three records."""
    name = make_topic(partitions=1)
    for value in (b"a", b"b", b"c"):
        send(name, value)
    return name


def warnings_of_clients(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what they have said that a person is to be warned of."""
    return [
        f"{each.name}: {each.getMessage()}"
        for each in caplog.records
        if each.levelno >= logging.WARNING and each.name.partition(".")[0] in CLIENTS
    ]


def load(task_run: TaskRun, topic: str) -> int:
    """Load the topic, and return the number of rows."""
    receipt = task_run.attempt(
        topic=topic, table=topic.replace("-", "_"), start="earliest", end="latest", create_table=True
    )
    return int(receipt["rows"])


@pytest.mark.usefixtures("fresh_loggers", "busy_machine")
def test_a_good_load_has_no_alarming_lines_of_its_clients(
    topic: str, task_run: TaskRun, caplog: pytest.LogCaptureFixture
) -> None:
    """A busy machine, a server that is down beside one that is not, a lost request: the load is good, and says so."""
    with caplog.at_level(logging.INFO):
        assert load(task_run, topic) == 3
    assert warnings_of_clients(caplog) == []


@pytest.mark.usefixtures("fresh_loggers", "busy_machine")
@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
def test_who_sets_a_level_hears_the_client(
    level: int, topic: str, task_run: TaskRun, caplog: pytest.LogCaptureFixture
) -> None:
    """A level that somebody has set on kafka-python's logger stays, and its lines are in the log."""
    logging.getLogger("kafka").setLevel(level)
    assert load(task_run, topic) == 3
    assert logging.getLogger("kafka").level == level
    assert any("threshold" in line for line in warnings_of_clients(caplog))


@pytest.mark.usefixtures("fresh_loggers")
def test_the_client_never_becomes_louder(topic: str, task_run: TaskRun, caplog: pytest.LogCaptureFixture) -> None:
    """Who wants to hear nothing at all, by the level of all loggers, hears no more of this one."""
    caplog.set_level(logging.CRITICAL + 5)
    assert load(task_run, topic) == 3
    assert logging.getLogger("kafka").getEffectiveLevel() == logging.CRITICAL + 5
