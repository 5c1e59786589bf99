"""``windows`` lists what the runs of a DAG have loaded, and says what is in no window, or in two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands.airflow_double import PASSWORD, TOKEN, AirflowDouble, running_double
from core.world import World, attempt_at

from airflow_provider_kafka_odps.commands.airflow import options
from airflow_provider_kafka_odps.commands.command import main
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.options import Mode


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowDouble]:
    """Return an Airflow, and no variable that names another one."""
    for name in (options.URL, options.TOKEN, options.PASSWORD):
        monkeypatch.delenv(name, raising=False)
    with running_double() as double:
        yield double


def receipt(start: int, end: int) -> dict[str, Any]:
    """Return what a load of one partition's range has returned."""
    written = transfer(attempt_at(World(), Mode.APPEND)).to_json()
    window = {**written["window"], "partitions": {"0": [start, end]}, "span": end - start}
    counts = {"rows": end - start, "rejects": 0, "gaps": 0}
    return {**written, "window": window, "partitions": {"0": counts}, "offsets": {"0": [start, end - 1]}}


def windows(airflow: AirflowDouble, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Run the command and return its exit code, and its JSON."""
    code = main(["windows", "--json", "--airflow", airflow.url, "--dag-id", "orders", *words])
    return code, json.loads(capsys.readouterr().out)


def test_windows_that_follow_each_other(airflow: AirflowDouble, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its receipt, the newest first; code 0, and nothing but questions."""
    for start, end in ((0, 5), (5, 5), (5, 9)):
        airflow.load(f"hour/{start}+{end}", "success", return_value=receipt(start, end))
    airflow.load("hour3", "queued")
    airflow.instances.append({**airflow.instances[0], "operator_name": "BashOperator", "dag_run_id": "other"})
    code, answer = windows(airflow, capsys)
    assert (code, answer["follow_each_other"], answer["holes"], answer["overlaps"]) == (0, True, [], [])
    assert [each["run_id"] for each in answer["windows"]] == ["hour3", "hour/5+9", "hour/5+5", "hour/0+5"]
    assert answer["windows"][0]["window"] is None
    assert answer["windows"][1]["receipt"]["rows"] == 4
    assert {each.partition(" ")[0] for each in airflow.asked} == {"GET"}


def test_holes_and_overlaps_are_named(airflow: AirflowDouble, capsys: pytest.CaptureFixture[str]) -> None:
    """With the runs on both sides, and what has become of the one between them."""
    airflow.load("first", "success", return_value=receipt(0, 5))
    airflow.load("between", "failed", window=receipt(5, 7)["window"])
    airflow.load("behind", "success", return_value=receipt(7, 9))
    airflow.load("twice", "success", return_value=receipt(8, 9))
    code, answer = windows(airflow, capsys)
    assert code == 1
    assert answer["holes"] == [
        {"offsets": "orders[0]@[5, 7)", "before": "first", "behind": "behind", "planned": ["between (failed)"]}
    ]
    assert answer["overlaps"] == [{"offsets": "orders[0]@[8, 9)", "runs": ["behind", "twice"]}]
    assert main(["windows", "--airflow", airflow.url, "--dag-id", "orders"]) == 1
    printed = capsys.readouterr().out
    assert "hole      orders[0]@[5, 7): between first and behind; planned by between (failed)" in printed
    assert "overlap   orders[0]@[8, 9): loaded by behind and by twice" in printed


def test_the_newest_are_asked_for_by_pages(airflow: AirflowDouble, capsys: pytest.CaptureFixture[str]) -> None:
    """So many as are wanted, and of one task where it is named."""
    for at in range(230):
        airflow.load(f"run{at:03}", "success", return_value=receipt(at, at + 1))
    airflow.load("run", "success", "other", return_value=receipt(0, 1))
    _, answer = windows(airflow, capsys, "--limit", "210", "--task-id", "load")
    assert [each["run_id"] for each in answer["windows"]] == [f"run{at:03}" for at in range(229, 19, -1)]


@pytest.mark.parametrize("way", ["--token-file", "--user", "environment"])
def test_every_way_to_say_who_asks(
    way: str, airflow: AirflowDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A token in a file or in the environment, a name and a password; none of them is printed."""
    airflow.to_anybody = False
    airflow.load("first", "success", return_value=receipt(0, 5))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv(options.PASSWORD, PASSWORD)
    if way == "environment":
        monkeypatch.setenv(options.TOKEN, TOKEN)
    words = {"--token-file": [way, str(tmp_path / "token")], "--user": [way, "ann"], "environment": []}[way]
    code, answer = windows(airflow, capsys, *words)
    assert code == 0
    assert not {TOKEN, PASSWORD} & set(str(answer).split())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--dag-id orders", "which Airflow? Give its base URL by --airflow, or in KAFKA_ODPS_AIRFLOW_URL"),
        ("--dag-id orders --user ann", "give its address by --airflow URL"),
        ("--dag-id orders --airflow localhost:8080", "a base URL is wanted, such as http://localhost:8080"),
        ("--dag-id orders --airflow URL --user ann --token-file no", "one of them says who asks"),
        ("--dag-id orders --airflow URL --token-file no", "--token-file no cannot be read: No such file or directory"),
        ("--dag-id orders --airflow URL", "wants to know who asks: give --token-file, --user, or"),
        ("--dag-id orders --airflow URL --user bob", "does not know user 'bob' with this password (401)"),
        (
            "--dag-id orders --airflow URL --token-file WRONG",
            "refuses dags/orders/dagRuns/~/taskInstances to this token",
        ),
        ("--dag-id nothing --airflow URL --token-file RIGHT", "has no DAG 'nothing', or this token may not see it"),
        ("--dag-id orders --airflow URL --token-file RIGHT", "has no task instance of a KafkaToMaxComputeOperator"),
        ("--dag-id orders --airflow ELSEWHERE --token-file RIGHT", "is no base URL of an Airflow: it answers 200 with"),
    ],
)
def test_what_cannot_be_asked(
    words: str, complaint: str, airflow: AirflowDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The code is 2, and the message says what to give."""
    airflow.to_anybody = False
    monkeypatch.setenv(options.PASSWORD, PASSWORD)
    for name in ("wrong", "right"):
        (tmp_path / name).write_text(TOKEN if name == "right" else "another")
    places = {"WRONG": str(tmp_path / "wrong"), "RIGHT": str(tmp_path / "right"), "URL": airflow.url}
    places["ELSEWHERE"] = airflow.url.replace("/under", "/elsewhere")
    assert main(["windows", *(places.get(word, word) for word in words.split())]) == 2
    said = capsys.readouterr()
    assert (said.out, complaint in said.err) == ("", True), said.err


def test_an_airflow_that_is_away(closed_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody can tell."""
    assert main(["windows", "--airflow", f"http://127.0.0.1:{closed_port}", "--dag-id", "orders"]) == 2
    assert f"Airflow at http://127.0.0.1:{closed_port} does not answer: ConnectionError" in capsys.readouterr().err
