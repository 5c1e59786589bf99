"""``python -m airflow_provider_kafka_odps.dataworks`` says what a person wants to know of a job."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dataworks.jobs import GUIDE, between, changed, replacing, transforming

from airflow_provider_kafka_odps.dataworks.__main__ import main
from airflow_provider_kafka_odps.dataworks.arguments import rendered
from airflow_provider_kafka_odps.dataworks.hazards.every import hazards
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

ALONE = """
import runpy, sys
try:
    runpy.run_module("airflow_provider_kafka_odps.dataworks", run_name="__main__")
except SystemExit as end:
    assert not end.code
assert not {"airflow", "kafka", "odps", "pyarrow"} & set(sys.modules)
"""


@pytest.fixture
def job(tmp_path: Path) -> str:
    """Return the path of the guide's job."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(GUIDE))
    return str(path)


def test_lint_names_the_hazards_of_the_guides_job(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each hazard comes with the place, what happens today, and what the operator does instead."""
    assert main(["lint", job]) == 0
    printed = capsys.readouterr().out
    for name in (
        "auto-commit",
        "truncate-before-read",
        "partial-commit",
        "unlimited-dirty-rows",
        "records-past-the-end",
        "one-range-for-all-partitions",
        "typed-offsets",
        "replaced-characters",
        "borrowed-group",
        "address-in-the-job",
    ):
        assert f"\n{name}: " in printed
    assert printed.count("  today:   ") == printed.count("  instead: ") >= 8


@pytest.mark.parametrize(
    ("reader", "writer", "setting", "appears", "goes"),
    [
        ({}, {"truncate": False}, {}, None, "truncate-before-read"),
        ({}, {"consistencyCommit": "true"}, {}, None, "partial-commit"),
        ({}, {}, {"errorLimit": {"record": "0"}}, "no-rollback", "unlimited-dirty-rows"),
        ({"skipExceedRecord": "true"}, {}, {}, "dropped-past-the-end", "records-past-the-end"),
        ({"partition": "0"}, {}, {}, None, "one-range-for-all-partitions"),
        ({"beginOffset": None, "beginDateTime": "${bizdate}000000"}, {}, {}, "late-records", None),
        ({}, {"partition": "ds=${bizdate}"}, {}, "no-time-zone", None),
        ({"timeZone": "UTC"}, {"partition": "ds=${bizdate}"}, {}, None, "no-time-zone"),
        ({"stopWhenPollEmpty": True}, {}, {}, "silence-taken-for-the-end", "waits-for-offsets-that-never-come"),
        ({"valueType": "string"}, {}, {}, None, "replaced-characters"),
        ({"server": None}, {}, {}, None, "address-in-the-job"),
        ({"kafkaConfig": {"sasl.mechanism": "PLAIN"}}, {}, {}, "login-in-the-job", "borrowed-group"),
        ({}, {"accessKey": "planted"}, {}, "credentials-in-the-job", None),
        ({"column": ["'${bizdate}'", *"abcdefg"]}, {}, {}, "no-time-zone", None),
        ({"groupId": "$gmtdate"}, {}, {}, "no-time-zone", None),
        ({}, {"tunnelQuota": "q$bizdate"}, {}, "no-time-zone", None),
        ({}, {}, {"speed": {"concurrent": 32}}, "more-than-memory-allows", None),
        ({}, {}, {"errorLimit": {"strategy": "ZeroTolerance"}}, None, "unlimited-dirty-rows"),
        ({}, {}, {"speed": {"concurrent": 16}}, None, "more-than-memory-allows"),
    ],
)
def test_a_hazard_is_named_where_it_is(
    reader: dict[str, Any], writer: dict[str, Any], setting: dict[str, Any], appears: str | None, goes: str | None
) -> None:
    """A job that has a hazard is told so, and one that has it not is not."""
    job, _ = rendered(read_job(changed(reader, writer, setting)), "UTC", None)
    names = {hazard.name for hazard in hazards(job)}
    assert appears is None or appears in names
    assert goes not in names


def test_no_secret_of_a_job_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys in the job are named, and what they are is not."""
    path = tmp_path / "job.json"
    path.write_text(
        json.dumps(changed(reader={"kafkaConfig": {"sasl.jaas.config": "planted"}}, writer={"accessKey": "planted"}))
    )
    assert main(["lint", str(path)]) == 0
    assert main(["convert", str(path)]) == 0
    assert "planted" not in capsys.readouterr().out


MASKED = between(
    changed({"column": ["phone", "'${bizdate}'"], "timeZone": "GMT+8"}, {"schema": "raw", "column": ["phone", "day"]}),
    replacing(replaceString=r"(\d{3})\d+'", replaceByString=r"$1\\'"),
)


@pytest.mark.parametrize("written", [GUIDE, MASKED, transforming(GUIDE, ("dx_replace", 1, ["3", "4", "\\'\""]))])
def test_convert_prints_the_operator_that_runs_the_job(
    written: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed Python builds the same operator as `from_dataworks`."""
    (job := tmp_path / "job.json").write_text(json.dumps(written))
    assert main(["convert", str(job), "--task-id", "load"]) == 0
    names: dict[str, Any] = {}
    exec(capsys.readouterr().out, names)
    printed, read = names["load"], KafkaToMaxComputeOperator.from_dataworks(job, task_id="load")
    assert {name: getattr(printed, name) for name in read.template_fields} == {
        name: getattr(read, name) for name in read.template_fields
    }
    assert printed.parameters == read.parameters


def test_what_is_not_understood_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that has no meaning is neither an error nor passed over in silence."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(changed(reader={"beginOfset": "0"})))
    assert main(["lint", str(path)]) == 0
    assert "not understood, and ignored: steps.reader.parameter.beginOfset" in capsys.readouterr().out


def test_variables_with_constants_are_known_to_lint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a switch or a number is by its variable is what it is in the lines of `lint`."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(changed(writer={"truncate": "${off}"}, setting={"speed": {"concurrent": "$n"}})))
    assert main(["lint", str(path), "--variable", "off=false", "--variable", "n=40"]) == 0
    printed = capsys.readouterr().out
    assert "truncate-before-read" not in printed
    assert "more-than-memory-allows: setting.speed.concurrent is 40\n" in printed
    assert main(["lint", str(path), "--variable", "n=40"]) == 2
    assert "truncate: ${off} is no variable that is known here" in capsys.readouterr().err


def test_the_operator_names_what_it_ignores() -> None:
    """A misspelled key is a warning when the DAG is parsed."""
    with pytest.warns(UserWarning, match=r"load: not understood in the job, and ignored: steps.reader.parameter.topik"):
        KafkaToMaxComputeOperator.from_dataworks(changed(reader={"topik": "x"}), task_id="load")


def test_a_concurrency_that_was_lowered_is_told() -> None:
    """A warning when the DAG is parsed says what fits; with more memory, or an own concurrency, there is none."""
    job = changed(setting={"speed": {"concurrent": 32}})
    with pytest.warns(UserWarning, match=r"load: setting.speed.concurrent is 32; concurrency=16: as many"):
        task = KafkaToMaxComputeOperator.from_dataworks(job, task_id="load")
    assert task.parameters.how_fast.concurrency == 16
    for more in ({"max_memory": "1GB"}, {"concurrency": 32}):
        task = KafkaToMaxComputeOperator.from_dataworks(job, task_id="load", **more)
        assert task.parameters.how_fast.concurrency == 32


def test_further_arguments_win_over_the_job() -> None:
    """What the DAG's author says goes before what the job says."""
    task = KafkaToMaxComputeOperator.from_dataworks(GUIDE, task_id="load", mode="append", max_rejects=3, retries=7)
    assert (task.parameters.to_where.mode, task.parameters.unfitting.max_rejects, task.retries) == ("append", 3, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such.json"], "the job cannot be read"),
        (["{job}", "--variable", "day"], "name=value is wanted"),
        (["{job}", "--timezone", "Mars"], "there is no time zone 'Mars'"),
    ],
)
def test_bad_input_is_said_in_a_line(
    job: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong file or flag ends with code 2 and a sentence, not with a traceback."""
    assert main(["convert", *[word.format(job=job) for word in arguments]]) == 2
    assert message in capsys.readouterr().err


def test_the_command_needs_neither_airflow_nor_a_broker(job: str) -> None:
    """Linting a job imports neither Airflow nor a client: it answers at once, anywhere."""
    ended = subprocess.run([sys.executable, "-c", ALONE, "lint", job], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
