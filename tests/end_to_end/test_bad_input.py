"""What a user gets wrong is refused with where, what was seen, and what to do, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from kit.task_run import Send, TaskRun
from kit.unbroken import fails, unbroken

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.ui.link import KafkaWindowLink

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic with one record in the first of its two partitions."""
    name = make_topic(partitions=2)
    send(name, b"abc")
    return name


@pytest.fixture(scope="module")
def plain(endpoint: Any) -> str:
    """Return the name of a table that no test changes."""
    del endpoint
    return "plain_table"


@pytest.fixture(autouse=True)
def tables(odps: OdpsHook, plain: str) -> None:
    """Create a plain and a partitioned table."""
    odps.run_sql(f"CREATE TABLE IF NOT EXISTS {plain} (`key` STRING NOT NULL, `value` STRING)")
    odps.run_sql(f"CREATE TABLE IF NOT EXISTS {plain}_parted (`key` STRING) PARTITIONED BY (ds STRING, hh STRING)")


MAPPED = {"key": "'k'", "value": "__value__"}
WINDOW = {"start": 0, "end": {"0": 1, "1": 0}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"topic": "no-such-topic"}, r"has no topic 'no-such-topic'.*nothing was created"),
        ({"table": "nowhere", "columns": {"a": "__offset__"}}, r"(?s)no table .*nowhere.*CREATE TABLE.*`a` BIGINT"),
        ({"columns": {**MAPPED, "nope": "__key__"}}, r"no column 'nope'.*The table has: key string, value string"),
        ({"columns": {"value": "__value__"}}, r"column key is NOT NULL and nothing is mapped to it"),
        ({"columns": {**MAPPED, "value": "tag..desc"}}, r"'tag..desc', position 4: .* tag\.\.desc \^"),
        ({"columns": {**MAPPED, "value": "__valve__"}}, r"position 2: no such part of a record; there are __key__"),
        (
            {"columns": {"key": "a..b", "value": "__valve__"}, "where": "type ="},
            r"key: column expression 'a..b', .* value: column expression '__valve__', .* where='type ='",
        ),
        ({"partition": "ds=1"}, r"plain_table is not partitioned, but partition='ds=1' was given"),
        ({"table": "plain_table_parted"}, r"partitioned by ds, hh, but no partition was given; write 'ds=….hh=…'"),
        ({"table": "plain_table_parted", "partition": "ds=1"}, r"partitioned by ds, hh, but partition='ds=1'"),
        ({"partition": "ds"}, r"partition='ds': 'ds' is not column=value"),
        ({"table": "a.b.c.d"}, r"table='a.b.c.d' is no table name"),
        ({"end": 3}, r"\[0\]: the window ends at 3 but the log ends at 1; 2 offsets do not exist yet.*clamp"),
        ({"start": 1, "end": 0}, r"\[0\]: the window would start at 1, after its end at 0"),
        ({"partitions": [0, 7], "end": 0}, r"partitions names .*\[7\], but the topic has the partitions 0 to 1"),
        ({"end": {"0": 1}}, r"gives no offset for .*\[1\]"),
        ({"start": "interval"}, r"no data interval.*CronDataIntervalTimetable"),
        ({"start": "yesterday"}, r"start='yesterday' is no bound; accepted: 'interval', 'earliest'"),
        ({"start": "2026-11-22T10:00:00"}, r"has no time zone"),
        ({"start": "{'0': 1}"}, r"not JSON.*tojson"),
        ({"start": "committed"}, r"group"),
        ({"project": "no_such_project"}, r"no_such_project"),
    ],
)
def test_refused(
    parameters: dict[str, Any], message: str, topic: str, plain: str, task_run: TaskRun, odps: OdpsHook
) -> None:
    """The message helps, no window is recorded, and no row or table appears."""
    with fails(message):
        task_run.attempt(**{"topic": topic, "table": plain, "columns": MAPPED, **WINDOW, **parameters})

    assert task_run.store.entries == {}
    assert set(task_run.xcoms) == {KafkaWindowLink().xcom_key}, "the way to the page that says why"
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {plain}")["n"].to_pylist() == [0]
    assert odps.describe(TableName("nowhere")) is None


def test_an_interval_of_no_length(topic: str, plain: str, task_run: TaskRun) -> None:
    """The zero-length interval of a plain cron schedule is refused, naming the timetables that give one."""
    task_run.interval = (NOW, NOW)
    with fails(r"has no length.*CronDataIntervalTimetable"):
        task_run.attempt(topic=topic, table=plain, columns=MAPPED)


@pytest.mark.parametrize("parameter", ["mode", "on_short_log", "isolation_level"])
def test_choices_are_refused_when_the_dag_is_parsed(parameter: str) -> None:
    """A choice that does not exist shows as an import error of the DAG, with the ones that do."""
    with pytest.raises(InvalidInput, match=rf"{parameter}='truncate' is not one of '"):
        KafkaToMaxComputeOperator(task_id="load", topic="t", table="t", **{parameter: "truncate"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("extra", "messages"),
    [
        ({}, ["bootstrap.servers is missing"]),
        (
            {"bootstrap.server": "a:1", "security.protocol": "SASL_SSL", "socket.timeout.ms": "soon"},
            [
                "did you mean bootstrap.servers?",
                "needs sasl.password",
                "socket.timeout.ms='soon': expected a whole number",
            ],
        ),
        ({"bootstrap.servers": "a", "sasl.kerberos.keytab": "x"}, ["'a' is not host:port", "is not supported"]),
        ({"bootstrap.servers": "a:1", "ssl.ca.location": "/ca.pem"}, ["security.protocol=PLAINTEXT does not encrypt"]),
    ],
)
def test_kafka_connection(
    extra: dict[str, str], messages: list[str], plain: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All problems of a Kafka connection come in one message, with where to fix them."""
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    with fails("connection 'kafka_default' cannot be used") as caught:
        task_run.attempt(topic="t", table=plain, columns=MAPPED, **WINDOW)
    for message in [*messages, "AIRFLOW_CONN_KAFKA_DEFAULT"]:
        assert message in unbroken(caught.value)


@pytest.mark.parametrize("name", ["kafka_config_id", "maxcompute_conn_id"])
def test_a_connection_that_is_missing(name: str, topic: str, plain: str, task_run: TaskRun) -> None:
    """A connection id that does not exist is named."""
    with fails(r"connection 'missing' cannot be used"):
        task_run.attempt(topic=topic, table=plain, columns=MAPPED, **WINDOW, **{name: "missing"})


def test_a_broker_that_does_not_answer(plain: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the servers, and how long they were tried."""
    extra = {"bootstrap.servers": "127.0.0.1:9", "socket.connection.setup.timeout.ms": 1000}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    with fails(r"Kafka at 127.0.0.1:9: no answer within \d+ s"):
        task_run.attempt(topic="t", table=plain, columns=MAPPED, **WINDOW)
