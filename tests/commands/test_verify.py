"""``verify`` tells whether a table has what it should have, offset by offset; and when nobody can tell."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands.airflow_double import running_double
from commands.conftest import Connect, things
from demo.broker import Broker
from kafka import KafkaAdminClient, TopicPartition
from kit.kafka_topics import producer, send
from kit.task_run import TaskRun
from odps import ODPS

from airflow_provider_kafka_odps.commands.command import main
from airflow_provider_kafka_odps.commands.verifying import topic as against_topic

COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "v", "n": "n"}
BOUNDS = {"start": "earliest", "end": "latest", "value_type": "json", "columns": COLUMNS}

pytestmark = pytest.mark.usefixtures("connected")


def verify(capsys: pytest.CaptureFixture[str], *words: str, **parameters: Any) -> tuple[int, Any]:
    """Run the command and return its exit code, and its JSON."""
    given = [word for name, value in parameters.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    capsys.readouterr()
    code = main(["verify", "--json", *given, *words])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def topic(make_topic: Callable[..., str], broker: Broker) -> str:
    """Return a topic with ten records in each of two partitions, and one that is no row."""
    name = make_topic(partitions=2)
    for partition in (0, 1):
        values = [json.dumps({"v": f"r{at}", "n": at, "ds": f"d{at % 2}"}).encode() for at in range(10)]
        send(producer(broker.bootstrap_servers), name, values, partition=partition)
    return name


@pytest.fixture
def loaded(topic: str, table: str, odps: ODPS) -> dict[str, Any]:
    """Return the parameters of a load that was run."""
    odps.execute_sql(f"DROP TABLE {table}")
    odps.execute_sql(f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING, n BIGINT) PARTITIONED BY (ds STRING)")
    parameters = {**BOUNDS, "topic": topic, "table": table, "partition": "ds=1"}
    parameters["receipt"] = TaskRun().attempt(**parameters)
    return parameters


@pytest.fixture
def receipt(loaded: dict[str, Any], tmp_path: Path) -> str:
    """Return the file of the load's receipt."""
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(loaded.pop("receipt")))
    return str(path)


def change(odps: ODPS, table: str, chosen: str, *, keep: str) -> None:
    """Write the partition anew: other columns, and only some of its rows."""
    odps.execute_sql(
        f"INSERT OVERWRITE TABLE {table} PARTITION (ds='1') SELECT p, o, {chosen} FROM {table} WHERE ds='1' AND {keep}"
    )


@pytest.mark.parametrize("values", ["none", "sample", "all"])
def test_a_load_is_what_its_topic_and_its_receipt_say(
    values: str, loaded: dict[str, Any], receipt: str, odps: ODPS, admin: KafkaAdminClient,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Code 0, by each and by both; nothing is there afterwards that was not there before."""
    before = things(admin, odps)
    for words in (["--receipt", receipt], ["--values", values], ["--values", values, "--receipt", receipt]):
        given = {} if words == ["--receipt", receipt] else loaded
        code, answer = verify(capsys, *words, **given)
        assert (code, answer["verdict"], answer["different"], answer["unknown"]) == (0, "the same", [], [])
    assert answer["against"] == ["the receipt", "the topic"]
    assert answer["rows"] == {"wanted": 20, "found": 20}
    assert answer["values"]["compared"] == (0 if values == "none" else 20)
    assert not things(admin, odps) - before


@pytest.mark.parametrize("piece", [500_000, 3])
def test_each_difference_is_named(
    piece: int, loaded: dict[str, Any], receipt: str, table: str, odps: ODPS, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Missing, doubled, extra and changed, per Kafka partition; in one piece, and in pieces of a few offsets."""
    monkeypatch.setattr(against_topic, "_OFFSETS", piece)
    change(odps, table, "CASE WHEN o = 7 THEN 'other' ELSE v END, n", keep="NOT (p = 0 AND o < 2)")
    odps.execute_sql(f"INSERT INTO {table} PARTITION (ds='1') SELECT p, o, v, n FROM {table} WHERE p = 1 AND o = 4")
    code, answer = verify(capsys, "--values", "all", **loaded)
    assert (code, answer["verdict"]) == (1, "different")
    first, second = answer["partitions"]["0"], answer["partitions"]["1"]
    topic = loaded["topic"]
    assert first["missing"] == {"offsets": 2, "first": [f"{topic}[0]@[0, 2)"]}
    assert (second["doubled"]["first"], second["surplus_rows"]) == ([f"{topic}[1]@[4, 5)"], 1)
    assert answer["values"]["different"] == 2
    assert answer["values"]["first"][0] == f"{topic}[0] offset 7, column v: 'r7' is wanted, 'other' is there"
    code, answer = verify(capsys, "--receipt", receipt)
    assert (code, answer["verdict"]) == (1, "different")
    assert f"{topic}[0]: 10 rows with offsets 0 to 9 were loaded; there: 8" in answer["different"][0]


def test_rows_of_no_record_are_extra(
    loaded: dict[str, Any], table: str, odps: ODPS, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the filter leaves out is no row: a table that has it has too much."""
    loaded.pop("receipt")
    code, answer = verify(capsys, **{**loaded, "where": "n < 9"})
    assert (code, answer["partitions"]["0"]["extra"]["first"]) == (1, [f"{loaded['topic']}[0]@[9, 10)"])
    del table, odps


def test_a_row_in_another_partition_is_seen(
    loaded: dict[str, Any], table: str, odps: ODPS, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a load whose records say the partition, where a row is counts, whatever is compared beside."""
    odps.execute_sql(f"ALTER TABLE {table} DROP PARTITION (ds='1')")
    loaded.pop("receipt")
    loaded.pop("partition")
    routed = {**loaded, "partition_by": {"ds": "ds"}}
    TaskRun().attempt(**routed)
    assert verify(capsys, "--values", "none", **routed)[0] == 0
    odps.execute_sql(f"INSERT INTO {table} PARTITION (ds='d1') SELECT p, o, v, n FROM {table} WHERE ds='d0' AND n=4")
    odps.execute_sql(
        f"INSERT OVERWRITE TABLE {table} PARTITION (ds='d0') SELECT p, o, v, n FROM {table} WHERE ds='d0' AND n<>4"
    )
    code, answer = verify(capsys, "--values", "none", **routed)
    assert (code, answer["values"]["different"]) == (1, 2)
    assert "column ds: 'd0' is wanted, 'd1' is there" in answer["values"]["first"][0]


def test_rows_beside_an_overwrite_are_seen(
    loaded: dict[str, Any], table: str, odps: ODPS, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an overwrite, a partition has the window's rows and no others."""
    loaded.pop("receipt")
    overwrite = {**loaded, "mode": "overwrite"}
    assert verify(capsys, **overwrite)[0] == 0
    odps.execute_sql(f"INSERT INTO {table} PARTITION (ds='1') VALUES (9, 9, 'x', 9)")
    code, answer = verify(capsys, **overwrite)
    assert (code, answer["different"]) == (
        1,
        ["1 rows are of no offset of this window: after mode='overwrite' there are no others"],
    )


def test_what_has_expired_cannot_be_told(
    loaded: dict[str, Any], receipt: str, admin: KafkaAdminClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is compared; the code is 2, and 1 where the rest differs."""
    admin.delete_records({TopicPartition(loaded["topic"], 0): 4})
    code, answer = verify(capsys, "--receipt", receipt, **loaded)
    assert (code, answer["verdict"]) == (2, "unknown")
    assert "4 offsets are no longer there: whether the rows of these are right cannot be told" in answer["unknown"][0]
    assert answer["rows"] == {"wanted": 16, "found": 16}


def test_compacted_records_cannot_be_told(
    make_topic: Callable[..., str], broker: Broker, table: str, odps: ODPS, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of offsets without a record may have had one, where the topic is compacted."""
    topic = make_topic(configs={"cleanup.policy": "compact"})
    send(producer(broker.bootstrap_servers), topic, [b'{"v": 1}'] * 3, key=b"k")
    columns = {"id": "__offset__", "note": "'x'", "p": "__partition__"}
    odps.execute_sql(f"DROP TABLE {table}")
    odps.execute_sql(f"CREATE TABLE {table} (id BIGINT, note STRING, p BIGINT)")
    odps.execute_sql(f"INSERT INTO {table} VALUES (0, 'x', 0), (1, 'x', 0), (2, 'x', 0)")
    load = {"topic": topic, "table": table, "columns": columns, "start": 0, "end": 3, "where": "__offset__ <> 1"}
    code, answer = verify(capsys, **load)
    assert (code, answer["partitions"]["0"]["extra"]["offsets"]) == (2, 0)
    assert f"topic {topic} is compacted" in answer["unknown"][0]


def test_a_person_reads_it(
    loaded: dict[str, Any], receipt: str, table: str, odps: ODPS, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The partitions that differ, where, and the verdict in the last line."""
    change(odps, table, "v, n", keep="NOT (p = 1 AND o = 3)")
    (tmp_path / "p.json").write_text(json.dumps(loaded))
    assert main(["verify", "--parameters", str(tmp_path / "p.json"), "--receipt", receipt]) == 1
    printed = capsys.readouterr().out
    assert f"missing   {loaded['topic']}[1]@[3, 4)" in printed
    assert "values    of a sample: 19 rows were compared" in printed
    assert printed.splitlines()[-1] == "verdict   different"


def test_a_receipt_from_standard_input(
    receipt: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Airflow's API gives an XCom, too: the value within, as text."""
    wrapped = json.dumps({"key": "return_value", "value": Path(receipt).read_text()})
    monkeypatch.setattr("sys.stdin", io.StringIO(wrapped))
    assert verify(capsys, "--receipt", "-")[0] == 0


def test_a_receipt_of_a_run(loaded: dict[str, Any], receipt: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Airflow is asked for what the task has returned."""
    with running_double() as airflow:
        airflow.load("a run/1", "success", return_value=json.loads(Path(receipt).read_text()))
        words = ["--airflow", airflow.url, "--dag-id", "orders", "--task-id", "load", "--run-id"]
        code, answer = verify(capsys, *words, "a run/1")
        assert (code, answer["verdict"], answer["table"].partition(".")[2]) == (0, "the same", loaded["table"])
        airflow.load("mapped", "success", map_index=3, return_value=json.loads(Path(receipt).read_text()))
        assert verify(capsys, *words, "mapped", "--map-index", "3")[0] == 0
        assert "--map-index says which" in verify(capsys, *words, "mapped")[1]["error"]["message"]
        code, answer = verify(capsys, *words, "another")
        assert (code, answer["error"]["name"]) == (2, "InvalidInput")
        assert "has returned no receipt in run 'another'" in answer["error"]["message"]


def test_without_columns_nobody_can_tell(
    loaded: dict[str, Any], receipt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither of an append's receipt, nor of the topic."""
    code, answer = verify(capsys, **{**loaded, "columns": {"v": "v"}})
    assert code == 2
    assert "is not filled with __partition__ and __offset__ by this load" in answer["unknown"][0]
    bare = {**json.loads(Path(receipt).read_text()), "found_by": []}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    code, answer = verify(capsys, "--receipt", str(tmp_path / "bare.json"))
    assert code == 2
    assert "has no columns for __partition__ and __offset__" in answer["unknown"][0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "what is to be compared? Give a load, by --parameters, --set or --dag-file"),
        ("--run-id r", "--run-id asks Airflow for the receipt: it needs --airflow, --dag-id and --task-id"),
        ("--run-id r --receipt no.json", "--receipt and --run-id: one of them is the receipt"),
        ("--receipt no.json", "--receipt no.json cannot be read: No such file or directory"),
        ("--receipt BROKEN", "is no JSON: Expecting"),
        ("--receipt LIST", "an object is wanted, what the task returned"),
        ("--receipt OTHER", "this is no receipt"),
        (
            '--receipt RECEIPT --set topic=b --set table=TABLE --set columns={"v":"v"} --set end=1 --set start=0',
            "name the load",
        ),
        ("--set topic=TOPIC --set table=none --set create_table=true --set end=1 --set start=0", "there is no table"),
    ],
)
def test_what_cannot_be_compared(
    words: str, complaint: str, loaded: dict[str, Any], receipt: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The code is 2, and the message says what there is, and what to write."""
    for name, text in (("broken", "{"), ("list", "[]"), ("other", "{}")):
        (tmp_path / f"{name}.json").write_text(text)
    places = {name.upper(): str(tmp_path / f"{name}.json") for name in ("broken", "list", "other")}
    places |= {"RECEIPT": receipt, "table=TABLE": f"table={loaded['table']}", "topic=TOPIC": f"topic={loaded['topic']}"}
    partition = ["--set", "partition=ds=1"] if "TABLE" in words else []
    capsys.readouterr()
    code = main(["verify", *(places.get(word, word) for word in words.split()), *partition])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert complaint in said.err


def test_a_topic_that_was_created_again(
    loaded: dict[str, Any], receipt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its records are others: nobody can tell."""
    written = json.loads(Path(receipt).read_text())
    written["window"]["topic_id"] = "another"
    (tmp_path / "before.json").write_text(json.dumps(written))
    code, answer = verify(capsys, "--receipt", str(tmp_path / "before.json"), **loaded)
    assert (code, answer["error"]["name"]) == (2, "TopicReplaced")


def test_a_service_that_is_away(
    connect: Connect, receipt: str, closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says nothing of the table: 2."""
    keys = {
        "access_key_id": "i",
        "access_key_secret": "s",
        "project": "p",
        "endpoint": f"http://127.0.0.1:{closed_port}",
    }
    connect(maxcompute={"conn_type": "maxcompute", "extra": keys})
    code, answer = verify(capsys, "--receipt", receipt)
    assert (code, answer["error"]["name"]) == (2, "Unreachable")
