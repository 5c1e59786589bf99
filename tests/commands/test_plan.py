"""``plan`` shows what a load would do, as the load then does it; and writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from commands.airflow_double import AirflowDouble, running_double
from commands.conftest import Connect, things
from demo.broker import Broker
from kafka import KafkaAdminClient, TopicPartition
from kit.kafka_topics import producer, send
from kit.shell import program
from kit.task_run import TaskRun
from odps import ODPS

from airflow_provider_kafka_odps.commands.command import main

# 2025-11-22T16:00Z, when a day begins in Shanghai.
DAY = 1_763_827_200_000
HOUR = 3_600_000
BY = {"ds": "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')"}
ROUTED = {
    "columns": {"id": "__offset__", "note": "v"},
    "partition_by": BY,
    "value_type": "json",
    "start": "earliest",
    "end": "latest",
}

pytestmark = pytest.mark.usefixtures("connected")


def plan(capsys: pytest.CaptureFixture[str], *words: str, **parameters: Any) -> tuple[int, Any]:
    """Run the command and return its exit code, and its JSON."""
    given = [word for name, value in parameters.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    code = main(["plan", "--json", *given, *words])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def topic(make_topic: Callable[..., str], broker: Broker) -> str:
    """Return a topic whose records belong to three days."""
    name = make_topic(partitions=2)
    times = {0: [DAY - 1, DAY, DAY + 25 * HOUR], 1: [DAY, DAY + HOUR]}
    for partition, each in times.items():
        values = [json.dumps({"t": time, "v": "x" * 20}).encode() for time in each]
        send(producer(broker.bootstrap_servers), name, values, partition=partition)
    return name


def test_what_is_planned_is_loaded(
    topic: str, table: str, odps: ODPS, admin: KafkaAdminClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Window, blocks and partitions are those of the load; before it, nothing is there that was not there before."""
    before = things(admin, odps)
    code, planned = plan(capsys, topic=topic, table=table, **ROUTED)
    assert not things(admin, odps) - before
    assert code == 0
    assert planned["records_at_most"] == 5
    assert planned["sample"] == {
        "offsets": 5,
        "whole": True,
        "rows": 5,
        "rejects": 0,
        "filtered": 0,
        "gaps": 0,
        "per_partition": {"ds=20251122": 1, "ds=20251123": 3, "ds=20251124": 1},
    }
    receipt = TaskRun().attempt(topic=topic, table=table, **ROUTED)
    assert planned["window"]["partitions"] == receipt["window"]["partitions"]
    assert planned["sample"]["per_partition"] == receipt["per_partition"]
    assert (planned["blocks"], planned["window"]["end"]) == (receipt["blocks"], receipt["window"]["end"])


def test_a_person_reads_it(topic: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The window, each Kafka partition, the table, the partitions, the blocks; and that nothing was written.

    Groups are of Airflow's page: a terminal folds nothing.
    """
    given = [word for name, value in ROUTED.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    assert main(["plan", "--set", f"topic={topic}", "--set", f"table={table}", *given]) == 0
    printed = capsys.readouterr().out
    assert "::group::" not in printed
    assert f"window    {topic} earliest → latest: 5 offsets in 2 partitions, so at most 5 records" in printed
    assert f"{topic}[0]" in printed
    assert "into      3 partitions: ds=20251123 (3), ds=20251122 (1), ds=20251124 (1)" in printed
    assert "staging   rows wait in" in printed
    assert printed.splitlines()[-1] == "ok        nothing was written"


def test_a_table_and_a_partition_that_are_missing(topic: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the load would create is said, and not created."""
    bounds = {"start": "earliest", "end": "latest"}
    columns = {"id": "__offset__", "note": "__value__"}
    name = f"t_{uuid.uuid4().hex[:12]}"
    _, planned = plan(capsys, topic=topic, table=name, create_table=True, partition="ds=1", columns=columns, **bounds)
    assert planned["creates"]["table"].startswith("CREATE TABLE IF NOT EXISTS")
    _, planned = plan(capsys, topic=topic, table=table, partition="ds=1", columns=columns, **bounds)
    assert planned["creates"] == {"table": None, "partition": True, "columns": []}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"max_partitions": 2}, "belong to 3 partitions or more, and max_partitions=2 allows 2"),
        ({"columns": {"id": "v", "note": "v"}}, "5 of 5 records that were looked at do not fit the table"),
    ],
)
def test_what_would_fail_is_seen_by_a_sample(
    topic: str, table: str, change: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Too many partitions, too many rejects: the plan is shown, with what would become of it, and the code is 1."""
    code, planned = plan(capsys, topic=topic, table=table, **{**ROUTED, **change})
    assert code == 1
    assert told in planned["refused"]


def test_a_sample_is_no_more_than_it_is_said_to_be(
    make_topic: Callable[..., str], broker: Broker, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Start, middle and end are looked at: late records are seen, and --sample all sees every one."""
    topic = make_topic()
    times = [DAY] * 100 + [DAY + 24 * HOUR] * 100 + [DAY + 48 * HOUR] * 100
    values = [json.dumps({"t": time, "v": "x"}).encode() for time in times]
    send(producer(broker.bootstrap_servers), topic, values)
    _, planned = plan(capsys, "--sample", "30", topic=topic, table=table, **ROUTED)
    assert planned["sample"]["offsets"] == 30
    assert planned["sample"]["per_partition"] == {"ds=20251123": 10, "ds=20251124": 10, "ds=20251125": 10}
    _, planned = plan(capsys, "--sample", "all", topic=topic, table=table, **ROUTED)
    assert planned["sample"]["per_partition"] == {"ds=20251123": 100, "ds=20251124": 100, "ds=20251125": 100}


def test_offsets_that_are_gone(
    topic: str, table: str, admin: KafkaAdminClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan is refused as the load would be, with code 1; where it may be skipped, what is lost is listed."""
    admin.delete_records({TopicPartition(topic, 0): 2})
    asked = {**ROUTED, "start": 0}
    code, answer = plan(capsys, topic=topic, table=table, **asked)
    assert (code, answer["error"]["name"]) == (1, "OffsetsExpired")
    assert f"{topic}[0]: the window starts at 0 but the log starts at 2" in answer["error"]["message"]
    code, planned = plan(capsys, topic=topic, table=table, on_data_loss="skip", **asked)
    assert (code, planned["lost"]) == (0, [f"{topic}[0]@[0, 2)"])


_DAG = """
from datetime import datetime, timezone
from airflow.sdk import DAG, Param, CronDataIntervalTimetable, task
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from beside import COLUMNS

schedule = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
began = datetime(2025, 1, 1, tzinfo=timezone.utc)
with DAG("planned", schedule=schedule, start_date=began, params={"where": "orders"}):
    @task
    def wait(): return 1
    KafkaToMaxComputeOperator(
        task_id="load", topic="TOPIC", table="TABLE", columns=COLUMNS, partition="ds={{ ds_nodash }}"
    )
    KafkaToMaxComputeOperator(task_id="by_conf", topic="TOPIC", table="{{ params.where }}", columns=COLUMNS)
    KafkaToMaxComputeOperator(task_id="waits", topic="TOPIC", table="TABLE", columns=COLUMNS, start=0, end=wait())
    KafkaToMaxComputeOperator.partial(task_id="mapped", table="TABLE", columns=COLUMNS).expand(topic=["a", "b"])
with DAG("another", schedule=None):
    KafkaToMaxComputeOperator(task_id="load", topic="TOPIC", table="TABLE", columns=COLUMNS, partition="ds={{ ds }}")
with DAG("none", schedule=None):
    pass
"""


@pytest.fixture
def dag_file(tmp_path: Path, topic: str, table: str) -> Path:
    """Return a DAG's file, which imports one that stands beside it."""
    (tmp_path / "beside.py").write_text("COLUMNS = {'id': '__offset__', 'note': '__value__'}\n")
    file = tmp_path / "dags.py"
    file.write_text(_DAG.replace("TOPIC", topic).replace("TABLE", table))
    return file


INTERVAL = ["--interval-start", "2025-11-22T16:00:00Z", "--interval-end", "2025-11-22T17:00:00Z"]


def test_a_task_of_a_dag(dag_file: Path, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its templates are rendered for the interval; that cuts of other runs are not known is said."""
    task = ["--dag-file", str(dag_file), "--dag-id", "planned", "--task-id", "load"]
    _, planned = plan(capsys, *task, *INTERVAL)
    assert planned["partition"] == "ds=20251122"
    assert planned["window"]["start"] == {"asked": "2025-11-22T16:00:00Z", "source": "broker"}
    assert planned["window"]["topic"] == topic
    assert "where another run has cut one of these instants, its cut counts" in planned["notes"][0]


def test_the_last_interval_of_its_schedule(dag_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an interval it is the last hour that has ended."""
    task = ["--dag-file", str(dag_file), "--dag-id", "planned", "--task-id", "load"]
    _, planned = plan(capsys, *task)
    asked = [planned["window"][side]["asked"] for side in ("start", "end")]
    assert all(each.endswith(":00:00Z") for each in asked)
    assert asked[0] < asked[1]


def test_a_parameter_of_a_task_can_be_changed(dag_file: Path, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--set` for what another task would give, `--param` for the form of Trigger."""
    task = ["--dag-file", str(dag_file), "--dag-id", "planned", "--task-id"]
    _, planned = plan(capsys, *task, "waits", end=2, partition="ds=1")
    assert planned["records_at_most"] == 4
    _, planned = plan(capsys, *task, "by_conf", "--param", f"where={table}", *INTERVAL, partition="ds=1")
    assert planned["table"].endswith(table)


DAGS = "--dag-file FILE"
OF = f"{DAGS} --dag-id planned"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "which load? Give the operator's parameters by --parameters FILE and --set NAME=VALUE, or a task by"),
        ("--set topic=t", "table is missing: add --set table=…"),
        ("--set tabel=t", "the operator has no parameter 'tabel' that JSON can give; did you mean 'table'?"),
        ("--set topic=t --set table=t --set mode=replace", "mode='replace'"),
        ("--set topic=t --set table=t --set end=latest --set start=previous", "Give --airflow URL to ask for it"),
        ("--dag-id d --set topic=t", "--dag-id is about a DAG, and --dag-file is missing"),
        ("--dag-file FILE --parameters p.json", "--parameters and --dag-file: one of them says which load is meant"),
        ("--dag-file no.py", "--dag-file no.py: there is no such file"),
        (DAGS, "has another, none, planned: say which DAG is meant, by --dag-id"),
        (f"{DAGS} --dag-id orders", "has no DAG 'orders'; it has another, none, planned"),
        (f"{DAGS} --dag-id none", "DAG 'none' has no task with a KafkaToMaxComputeOperator"),
        (OF, "say which task with a KafkaToMaxComputeOperator is meant, by --task-id"),
        (f"{OF} --task-id wait", "task 'wait' of DAG 'planned' is a _PythonDecoratedOperator, not a"),
        (f"{OF} --task-id mapped", "is mapped: what it is mapped over is known when it runs"),
        (f"{OF} --task-id waits", "end of task 'waits' comes from another task, which has not run here"),
        (f"{OF} --task-id by_conf --param wher=x", "--param wher: the DAG has no such param; it has where"),
        (f"{OF} --task-id load --interval-start 2025-11-22T16:00Z", "are given together, or neither is"),
        (f"{DAGS} --dag-id another", "Here: give --interval-start and --interval-end"),
        ("--set topic=t --set table=t", "Here: give --interval-start and --interval-end"),
        ("--parameters no.json", "--parameters no.json cannot be read: No such file or directory"),
        ("--parameters BROKEN", "is no JSON: Expecting"),
        ("--parameters LIST", "an object is wanted, with the operator's parameters by their names"),
    ],
)
def test_a_load_that_is_described_wrongly(
    words: str, complaint: str, dag_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code is 2, and the message says what there is, and what to write."""
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    places = {"FILE": str(dag_file), "BROKEN": str(tmp_path / "broken.json"), "LIST": str(tmp_path / "list.json")}
    code = main(["plan", *(places.get(word, word) for word in words.split())])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert complaint in said.err


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ ds", "unexpected end of template"),
        ("{{ var.value.nothing_of_this_name }}", "Variable nothing_of_this_name not found"),
    ],
)
def test_a_template_that_cannot_be_rendered(
    template: str, why: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told with the parameter, in one message without a traceback."""
    words = ["--set", f"topic={template}", "--set", f"table={table}", *INTERVAL]
    assert main(["plan", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"InvalidInput: topic={template!r} cannot be rendered here: ")
    assert why in said
    assert "by --set topic=…" in said
    assert "Traceback" not in said


def test_without_airflows_database_a_variable_is_told_as_quietly(tmp_path: Path) -> None:
    """Airflow itself prints a traceback for each of its places that does not answer."""
    words = ["plan", "--set", "topic={{ var.value.x }}", "--set", "table=t", *INTERVAL]
    nowhere = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/missing/airflow.db"}
    ended = subprocess.run(program(*words), check=False, capture_output=True, text=True, env={**os.environ, **nowhere})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Variable x not found" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_cannot_be_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own error is told."""
    (tmp_path / "d.py").write_text("import nothing_of_this_name")
    assert main(["plan", "--dag-file", str(tmp_path / "d.py")]) == 2
    assert "d.py cannot be imported: ModuleNotFoundError: No module named" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--set", "topic"], "'topic': NAME=VALUE is wanted, such as table=ods_orders"),
        (["--interval-start", "yesterday"], "yesterday"),
        (["--interval-start", "30"], "'30' is no time; write one with a zone"),
        (["--sample", "0"], "'0': a number of offsets is wanted, such as 1000, or all"),
    ],
)
def test_an_option_that_is_written_wrong(
    words: Sequence[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told as every option is, before anything is asked."""
    with pytest.raises(SystemExit) as ended:
        main(["plan", *words])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_broker_that_is_away_says_nothing_of_the_load(
    connect: Connect, closed_port: int, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can tell: 2."""
    connect(kafka={"conn_type": "kafka", "extra": {"bootstrap.servers": f"127.0.0.1:{closed_port}"}})
    columns = {"id": "__offset__"}
    code, answer = plan(capsys, topic="t", table=table, partition="ds=1", columns=columns, start=0, end=1)
    assert (code, answer["error"]["name"]) == (2, "Unreachable")


@pytest.fixture
def airflow() -> Iterator[AirflowDouble]:
    """Return an Airflow over HTTP."""
    with running_double() as double:
        yield double


def test_what_other_runs_have_left_is_asked_of_airflow(
    topic: str, table: str, airflow: AirflowDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cut of a neighbour counts, and nothing is written to the store in which it is."""
    asked = {"topic": topic, "table": table, "columns": {"id": "__offset__"}, "partition": "ds=1"}
    hour = ["--interval-start", "2025-11-22T16:00:00Z", "--interval-end", "2099-01-01T00:00:00Z"]
    _, planned = plan(capsys, *hour[:3], "2025-11-22T17:00:00Z", **asked)
    window = planned["window"]
    cut = {"version": 1, "topic_id": window["topic_id"], "task": "load.load", "run_id": "before"}
    key = f"cut:{window['cluster_id']}:{topic}:2025-11-22T16:00:00Z:end"
    airflow.assets = {
        f"maxcompute://maxcompute_default/{table}x": {},
        f"maxcompute://maxcompute_default/{table}": {key: {**cut, "offsets": {"0": 0, "1": 0}}},
    }
    code, planned = plan(capsys, *hour[:3], "2025-11-22T17:00:00Z", "--airflow", airflow.url, **asked)
    assert code == 0
    assert planned["window"]["start"]["source"] == "cut of run before"
    assert planned["notes"] == []
    assert {each.partition(" ")[0] for each in airflow.asked} == {"GET"}


def test_a_chain_goes_on_where_airflow_says(
    topic: str, table: str, airflow: AirflowDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is remembered, the plan is refused as the load is."""
    airflow.assets = {f"maxcompute://maxcompute_default/{table}": {}}
    asked = {"topic": topic, "table": table, "columns": {"id": "__offset__"}, "partition": "ds=1"}
    code, answer = plan(capsys, "--airflow", airflow.url, start="previous", end="latest", **asked)
    assert (code, answer["error"]["name"]) == (1, "NoPreviousWindow")
    chained = {**asked, "start": "previous", "end": "latest", "first_start": "earliest", "max_offsets": 3}
    code, planned = plan(capsys, "--airflow", airflow.url, **chained)
    assert (code, planned["records_at_most"]) == (0, 3)
