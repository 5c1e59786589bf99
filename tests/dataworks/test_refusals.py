"""All that is refused of a job is in one error, each with its place: nobody corrects a job ten times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dataworks.jobs import between, changed, replacing, transforming
from dataworks.loaded import arguments_of

from airflow_provider_kafka_odps.dataworks.__main__ import main
from airflow_provider_kafka_odps.exceptions import InvalidJob
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

BROKEN = changed(
    reader={
        "column": ["__key__", "phone", "'${a} ${b}'", "'${c}'"],
        "keyType": "avro",
        "valueType": "xml",
        "beginOffset": "-1",
        "endOffset": None,
        "autoOffsetReset": "newest",
        "partition": "x",
        "waitTime": "long",
        "where": "a = 1",
        "filter": "a = 1",
    },
    writer={
        "column": ["k", "phone", "phone", "x"],
        "truncate": "yes",
        "compress": "maybe",
        "preSql": ["x"],
        "postSql": ["x"],
        "partition": "ds=${day}",
        "nullFormat": "-",
        "writeMode": "upsert",
    },
    setting={
        "errorLimit": {"record": "some"},
        "speed": {"concurrent": "fast"},
        "common": {"column": {"dateFormat": "yyyyMMdd", "nulls": "x"}},
    },
)
READER = (
    "parameter.where changes rows",
    "parameter.filter changes rows",
    "parameter.column[2]: ${a} is no variable",
    "parameter.column[2]: ${b} is no variable",
    "parameter.column[3]: ${c} is no variable",
    "parameter.beginOffset is -1",
    "parameter has nothing to say where the window's end is",
    "parameter.autoOffsetReset is 'newest'",
    'parameter.partition is "x"',
    'parameter.waitTime is "long"',
    "parameter.keyType is 'avro'",
    "parameter.valueType is 'xml'",
)
WRITER = (
    "parameter.nullFormat changes rows",
    "parameter.partition: ${day} is no variable",
    "parameter.preSql cannot be run",
    "parameter.postSql cannot be run",
    "parameter.writeMode is 'upsert'",
    'parameter.truncate is "yes"',
    'parameter.compress is "maybe"',
)


def refused(job: dict[str, Any], **given: Any) -> tuple[str, ...]:
    """Return what is refused of a job."""
    with pytest.raises(InvalidJob) as caught:
        arguments_of(job, **given)
    message, *lines = str(caught.value).split("\n  - ")
    if lines:
        assert message == f"{len(lines)} things of it are refused:"
    assert tuple(lines or [message]) == caught.value.args
    return caught.value.args


@pytest.mark.parametrize("steps", ["steps.{}", "job.content[0].{}"])
def test_all_that_is_refused_is_named(steps: str) -> None:
    """Of reader, writer and settings, in both shapes; each thing once."""
    job = BROKEN if steps.startswith("steps") else transforming(BROKEN)
    found = refused(job)
    wanted = [f"{steps.format('reader')}.{each}" if each.startswith("parameter") else each for each in READER]
    wanted += [f"{steps.format('writer')}.{each}" for each in WRITER]
    for each in wanted:
        assert sum(each in problem for problem in found) == 1, (each, found)
    for key in ("errorLimit.record is", "speed.concurrent is"):
        assert sum(key in problem for problem in found) == 1
    assert len(set(found)) == len(found) >= len(wanted) + 2


def test_all_steps_are_looked_at() -> None:
    """Steps that nobody understands, rules and hops, beside what else is refused."""
    job = changed(reader={"column": ["__key__", "phone"]}, writer={"column": ["k"], "preSql": ["x"]})
    rules = replacing(replaceString="(?=a)", name="phone")
    rules["parameter"]["condition"] += [{"name": "fone", "replaceString": "a"}, {"name": "phone"}]
    unknown = {"name": "Groovy", "category": "map", "stepType": "groovy", "parameter": {"code": "x"}, "if": 1}
    job = between(job, rules, unknown, {**unknown, "name": "Filter", "stepType": "filter"}, replacing() | {"name": "Z"})
    job["order"]["hops"].pop(0)
    assert [problem.partition(" ")[0] for problem in refused(job)] == [
        "order.hops",
        "steps[2]",
        "steps[3]",
        "steps[1]",
        "steps[1]",
        "steps[1]",
        "steps.reader.parameter.column",
        "steps.writer.parameter.preSql",
    ]


def test_all_transformers_are_looked_at() -> None:
    """Each that has no counterpart, and the columns, too."""
    job = changed(reader={"column": ["__key__", "phone"]}, writer={"column": ["k", "K"]})
    job = transforming(
        job, ("dx_groovy", 0, ["x"]), ("dx_pad", 1, ["m", "4", "A"]), ("dx_pad", 1, ["l", "4", "A"]),
        ("dx_filter", 7, ["=", "x"]), ("dx_filter", 1, ["~", "x"]),
    )  # fmt: skip
    job["job"]["content"][0]["transformer"].append({"name": "dx_pad", "when": 1, "unless": 1})
    job["job"]["content"][0]["limit"] = 5
    assert [problem.partition(" ")[0].partition("transformer")[2] or problem for problem in refused(job)] == [
        "job.content[0].limit is not known here, and may change rows; known are reader, writer, transformer",
        "[5].when",
        "[5].unless",
        "[0]",
        "[1]",
        "[3]",
        "[4]",
        "job.content[0].writer.parameter.column has k more than once",
    ]


def test_one_thing_is_a_sentence() -> None:
    """As it was before there could be several."""
    assert refused(changed(writer={"truncate": "yes"})) == (
        'steps.writer.parameter.truncate is "yes"; true or false is wanted',
    )


@pytest.mark.parametrize("command", ["lint", "convert"])
def test_the_commands_and_the_operator_name_all(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each, and exit code 2."""
    (path := tmp_path / "job.json").write_text(json.dumps(BROKEN))
    assert main([command, str(path), "--timezone", "UTC"]) == 2
    printed = capsys.readouterr().err
    lines = printed.splitlines()
    assert lines[0] == f"{path}: {len(lines) - 1} things of it are refused:"
    assert all(line.startswith("  - ") for line in lines[1:])
    with pytest.raises(InvalidJob) as caught:
        KafkaToMaxComputeOperator.from_dataworks(BROKEN, task_id="load", timezone="UTC")
    assert str(caught.value) in printed
