"""``check`` says of both connections what works, what fails, where, and what to do; and writes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands.conftest import Connect, kafka_connection, things
from demo.broker import Broker, running_broker
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kit.kafka_topics import producer, send
from kit.shell import into_a_closed_pipe, program
from kit.silent_server import mute_server
from odps import ODPS

from airflow_provider_kafka_odps.commands.checking import machine
from airflow_provider_kafka_odps.commands.command import main
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.local.testing import RunningEndpoint


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the command and return its exit code, and the steps that its JSON has."""
    code = main(["check", "--json", *words])
    answer = json.loads(capsys.readouterr().out)
    assert answer["works"] == (code == 0)
    return code, answer["steps"]


@pytest.mark.usefixtures("connected")
def test_each_step_has_its_line(
    broker: Broker, make_topic: Any, table: str, capsys: pytest.CaptureFixture[str], endpoint: RunningEndpoint
) -> None:
    """Where each connection comes from, the topic's offsets, the table's columns; the exit code is 0."""
    topic = make_topic(partitions=2)
    send(producer(broker.bootstrap_servers), topic, [b"a", b"b", b"c"])
    assert main(["check", "--topic", topic, "--table", table]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"ok      connection kafka_default: {broker.bootstrap_servers}; "
        "read from the environment variable AIRFLOW_CONN_KAFKA_DEFAULT"
    )
    assert lines[2] == f"ok      topic {topic}: 2 partitions, 3 offsets: {topic}[0]@[0, 3), {topic}[1]@[0, 0)"
    assert lines[3] == f"ok      read {topic}: {topic}[0]@[2, 3) was read"
    assert lines[4] == f"ok      settings of {topic}: cleanup.policy is delete"
    assert lines[8] == (
        f"ok      table {table}: {endpoint.project}.{table} has 2 columns: id BIGINT, note STRING; "
        "partitioned by ds STRING"
    )
    assert lines[10].startswith("ok      machine: ")
    assert len(lines) == 11


@pytest.mark.usefixtures("connected")
def test_nothing_is_written(
    admin: KafkaAdminClient, make_topic: Any, odps: ODPS, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No topic, group, table, partition or upload is there afterwards that was not there before."""
    topic = make_topic()
    before = things(admin, odps)
    check(capsys, "--topic", topic, "--table", table)
    check(capsys, "--topic", f"{topic}-misspelt", "--table", f"{table}_misspelt")
    # What was there may go meanwhile: a broker forgets the empty groups of other tests.
    new = things(admin, odps) - before
    assert not new, new
    assert list(odps.get_table(table).partitions) == []


@pytest.mark.usefixtures("connected")
def test_what_is_missing_fails_its_step_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A topic that is missing does not hide a table that is missing; each says what to do, or that nothing was done."""
    code, steps = check(capsys, "--topic", "no-such-topic", "--table", "no_such_table")
    failed = {step["name"]: step for step in steps if not step["works"]}
    assert (code, set(failed)) == (1, {"topic no-such-topic", "table no_such_table"})
    assert "nothing was created" in failed["topic no-such-topic"]["seen"]
    assert "correct the name, create the topic" in failed["topic no-such-topic"]["to_do"]
    assert "create_table=True" in failed["table no_such_table"]["to_do"]


@pytest.mark.usefixtures("connected")
def test_an_empty_topic_is_no_failure(make_topic: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """It works, and the line says what could not be tried."""
    code, steps = check(capsys, "--topic", make_topic())
    assert code == 0
    assert "whether it may be read shows when it has records" in steps[3]["seen"]


def test_missing_connections_say_where_to_make_them(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are named at once, with the place in Airflow and the variable."""
    connect(kafka=None, maxcompute=None)
    code, steps = check(capsys)
    assert (code, [step["name"] for step in steps if not step["works"]]) == (
        1,
        ["connection kafka_default", "connection maxcompute_default"],
    )
    assert "Admin → Connections → kafka_default, or in AIRFLOW_CONN_KAFKA_DEFAULT" in steps[0]["seen"]


def test_servers_that_are_away_are_named(
    connect: Connect, closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step, the address, and where the connection can be corrected."""
    away = f"127.0.0.1:{closed_port}"
    keys = {"access_key_id": "i", "access_key_secret": "planted-secret", "project": "p", "endpoint": f"http://{away}"}
    connect(
        kafka={"conn_type": "kafka", "extra": {"bootstrap.servers": away}},
        maxcompute={"conn_type": "maxcompute", "extra": keys},
    )
    assert main(["check"]) == 1
    printed = capsys.readouterr().out
    assert f"FAILED  Kafka: connection 'kafka_default', Kafka at {away}: {away}, step connect" in printed
    assert "→ if the connection is wrong, correct it: the environment variable AIRFLOW_CONN_KAFKA_DEFAULT" in printed
    assert "planted-secret" not in printed


def test_a_secret_that_a_server_repeats_is_hidden(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever words come back, the secrets of the connection are stars."""
    keys = {"access_key_id": "i", "access_key_secret": "planted-secret", "project": "p", "endpoint": "https://e/api"}
    connect(kafka=None, maxcompute={"conn_type": "maxcompute", "extra": keys})
    monkeypatch.setattr(
        "airflow_provider_kafka_odps.hooks.odps.OdpsHook.test_connection",
        lambda hook: (False, f"no such key: {hook.settings.access_key_secret}"),
    )
    _, steps = check(capsys)
    assert steps[-2]["seen"] == "no such key: ***"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--table", "a.b.c.d"], "write t, project.t, project.schema.t"),
        (["--tabel", "t"], "unrecognized arguments"),
    ],
)
def test_a_command_that_is_written_wrong_asks_nobody(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 2, and the message says how it is written."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_ctrl_c_ends_it_without_a_traceback(connect: Connect, tmp_path: Path) -> None:
    """Who waits for a server that says nothing may stop; Airflow has no database here, which is no obstacle."""
    nowhere = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/missing/airflow.db"}
    with mute_server() as server:
        connect(kafka={"conn_type": "kafka", "extra": {"bootstrap.servers": server}})
        asked = subprocess.Popen(
            program("check"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | nowhere
        )
        with asked:
            assert asked.stdout
            assert asked.stdout.readline().startswith("ok      connection kafka_default")
            asked.send_signal(signal.SIGINT)
            _, errors = asked.communicate()
    assert asked.returncode == 130
    assert errors.endswith("stopped\n")
    assert "Traceback" not in errors


def test_a_reader_who_leaves_changes_no_exit_code(connect: Connect) -> None:
    """`check | head -1` goes on, in silence."""
    connect(kafka=None, maxcompute=None)
    ended = into_a_closed_pipe("check")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr


@pytest.mark.usefixtures("connected")
def test_a_load_says_the_names(make_topic: Any, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Topic, table and connections are those of the load, and its parameters are held against the table."""
    topic = make_topic()
    parameters = {"topic": topic, "table": table, "partition": "ds=1", "columns": {"id": "__offset__"}, "start": 0}
    (tmp_path / "p.json").write_text(json.dumps({**parameters, "end": 0}))
    code, steps = check(capsys, "--parameters", str(tmp_path / "p.json"))
    assert (code, [step["name"] for step in steps][2:]) == (
        0,
        [
            f"topic {topic}", f"read {topic}", f"settings of {topic}", f"planning for {topic}",
            "connection maxcompute_default", "MaxCompute", f"table {table}", f"query {table}", "machine", "load",
        ],
    )  # fmt: skip
    assert steps[4]["seen"] == "cleanup.policy is delete"
    assert "take turns" in steps[5]["seen"]
    code, steps = check(capsys, "--parameters", str(tmp_path / "p.json"), "--set", 'columns={"no": "__offset__"}')
    assert (code, steps[-1]["works"]) == (1, False)
    assert "the table has no column 'no'" in steps[-1]["seen"]


@pytest.mark.usefixtures("connected")
def test_a_load_that_is_described_wrongly_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody can tell: 2."""
    assert main(["check", "--set", "topic=t"]) == 2
    assert "table is missing: add --set table=…" in capsys.readouterr().err


def test_a_machine_that_is_too_small_fails_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of both, and which parameters there are."""
    monkeypatch.setattr(machine, "memory_bytes", lambda: 500 * 10**6)
    assert machine.machine_step(Resources.within(340_000_000), 340_000_000).works
    step = machine.machine_step(Resources.within(340_000_000, workers=2), 340_000_000)
    assert not step.works
    assert "500 MB of memory; a load grows by up to 680 MB (max_memory of each of 2 workers)" in step.seen
    assert "max_memory=, workers=" in step.to_do


def test_the_limit_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Linux says it; "max" is none."""
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_LIMITS", (limit,))
    physical = machine.memory_bytes()
    limit.write_text("max\n")
    assert machine.memory_bytes() == physical
    limit.write_text("1000000\n")
    assert machine.memory_bytes() == 1_000_000


def test_a_cluster_without_groups_stays_one(
    connect: Connect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kafka makes the topic of all offsets when the first group is looked for: nobody looks for one."""
    connect(maxcompute=None)
    with (
        running_broker(tmp_path / "broker") as fresh,
        closing(KafkaAdminClient(bootstrap_servers=fresh.bootstrap_servers)) as admin,
    ):
        admin.create_topics([NewTopic("orders", 1, 1)])
        connect(kafka=kafka_connection(fresh))
        _, steps = check(capsys, "--topic", "orders")
        assert steps[5]["works"]
        assert "the broker does not tell so far" in steps[5]["seen"]
        assert admin.list_topics() == ["orders"]
