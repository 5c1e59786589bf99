"""A job means the same as the operator that it becomes."""

import json
from pathlib import Path
from typing import Any

import pytest
from dataworks.jobs import GUIDE, as_datax, changed

from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.exceptions import InvalidJob

Change = dict[str, Any]
TIMES = {"beginOffset": None, "endOffset": None}
SOURCES = GUIDE["steps"][0]["parameter"]["column"]


def arguments_of(
    reader: Change | None = None, writer: Change | None = None, setting: Change | None = None, **given: Any
) -> Change:
    """Return the operator's arguments for the guide's job with some keys replaced."""
    return operator_arguments(read_job(changed(reader, writer, setting)), timezone="Asia/Shanghai", **given)


def test_the_guides_job_is_an_operator() -> None:
    """Range, table, columns and limits of the best practice's job are the operator's arguments."""
    assert operator_arguments(read_job(GUIDE)) == {
        "topic": "testkafka",
        "table": "testkafka",
        "partition": None,
        "columns": {
            "key": "__key__",
            "value": "__value__",
            "partition1": "__partition__",
            "timestamp1": "__timestamp__",
            "offset": "__offset__",
            "t123": "'123'",
            "event_id": "event_id",
            "tag": "tag.desc",
        },
        "start": 0,
        "end": 3,
        "on_short_log": "clamp",
        "poll_timeout": 10.0,
        "group_id": "console-consumer-83505",
        "key_type": "bytes",
        "value_type": "bytes",
        "on_bad_json": "null",
        "conversions": "lenient",
        "mode": "overwrite",
        "empty_as_null": False,
        "compression": "none",
        "max_rejects": "unlimited",
        "concurrency": 1,
        "kafka_config_id": "kafka_default",
        "maxcompute_conn_id": "odps_first",
    }


def test_every_shape_of_a_job_means_the_same(tmp_path: Path) -> None:
    """A job is taken as a dict, as text, as a file, and in the shape of DataX."""
    (tmp_path / "job.json").write_text(json.dumps(GUIDE))
    wanted = operator_arguments(read_job(GUIDE))
    for given in (json.dumps(GUIDE), tmp_path / "job.json", str(tmp_path / "job.json"), as_datax(GUIDE)):
        assert operator_arguments(read_job(given)) == wanted


def test_steps_without_a_category_are_found_by_their_hop() -> None:
    """The reader is where the hop comes from, the writer where it goes to."""
    job = changed()
    for step in job["steps"]:
        del step["category"]
    assert operator_arguments(read_job(job)) == operator_arguments(read_job(GUIDE))


@pytest.mark.parametrize(
    ("reader", "meant"),
    [
        ({"beginOffset": 5, "endOffset": "9"}, {"start": 5, "end": 9, "on_short_log": "clamp"}),
        ({"beginOffset": "seekToBeginning"}, {"start": "earliest"}),
        ({"beginOffset": "seekToEnd", "endOffset": None, "endType": "latest"}, {"start": "latest", "end": "latest"}),
        ({"beginOffset": "seekToLast"}, {"start": "committed"}),
        (
            {"beginOffset": "seekToLast", "autoOffsetReset": "earliest"},
            {"start": "committed", "first_start": "earliest"},
        ),
        ({"autoOffsetReset": "earliest"}, {"on_data_loss": "skip"}),
        ({"beginOffset": None, "beginType": "current"}, {"start": "committed"}),
        ({"endOffset": "", "stopWhenPollEmpty": "true"}, {"end": "latest"}),
        (
            {**TIMES, "beginDateTime": "20261122100000", "endDateTime": "20261122110000"},
            {"start": "2026-11-22T10:00:00+08:00", "end": "2026-11-22T11:00:00+08:00"},
        ),
        (
            {**TIMES, "beginDateTime": "20261122100000", "endDateTime": "20261122110000", "timeZone": "UTC"},
            {"start": "2026-11-22T10:00:00+00:00", "end": "2026-11-22T11:00:00+00:00"},
        ),
        (
            {**TIMES, "beginTimestampMillis": 1795341600000, "endTimestampMillis": "1795345200000"},
            {"start": "2026-11-22T10:00:00+00:00", "end": "2026-11-22T11:00:00+00:00"},
        ),
        ({"partition": "4"}, {"partitions": [4]}),
        ({"keyType": "LONG", "valueType": "string"}, {"key_type": "long", "value_type": "string"}),
        ({"groupId": "mine"}, {"group_id": "mine"}),
        ({"kafkaConfig": {"isolation.level": "read_uncommitted"}}, {"isolation_level": "read_uncommitted"}),
        ({"encoding": "GBK"}, {"encoding": "GBK"}),
        ({"datasource": "kafka_first"}, {"kafka_config_id": "kafka_first"}),
        ({"dataFormat": "json", "fieldDelimiter": ","}, {"value_type": "bytes"}),
    ],
)
def test_what_the_reader_says_is_kept(reader: Change, meant: Change) -> None:
    """Each way of giving a range, a type or a group has its argument."""
    arguments = arguments_of(reader=reader)
    assert {name: arguments[name] for name in meant} == meant


@pytest.mark.parametrize(
    ("writer", "meant"),
    [
        ({"truncate": "false"}, {"mode": "append"}),
        ({"truncate": None}, {"mode": "overwrite"}),
        ({"partition": "pt='20261122'/hh='10'"}, {"partition": "pt='20261122'/hh='10'"}),
        ({"project": "shop", "schema": "raw"}, {"table": "shop.raw.testkafka"}),
        ({"project": "shop"}, {"table": "shop.testkafka"}),
        ({"schema": "raw", "table": "`t`"}, {"table": ".raw.t"}),
        ({"schema": "raw", "table": "shop.t"}, {"table": "shop.raw.t"}),
        ({"schema": "raw", "table": "t_$env"}, {"table": ".raw.t_{{ var.value.env }}"}),
        ({"writeMode": "append"}, {"mode": "overwrite"}),
        ({"column": [f"`{name}`" for name in "ABCDEFGH"]}, {"columns": dict(zip("ABCDEFGH", SOURCES, strict=True))}),
        ({"column": ["*"]}, {"columns": SOURCES}),
        ({"compress": "true"}, {"compression": "zlib"}),
        ({"emptyAsNull": True}, {"empty_as_null": True}),
        ({"tunnelQuota": "fast"}, {"quota_name": "fast"}),
    ],
)  # fmt: skip
def test_what_the_writer_says_is_kept(writer: Change, meant: Change) -> None:
    """Table, partition, mode and columns of the writer have their arguments."""
    arguments = arguments_of(writer=writer, variables={"env": "{{ var.value.env }}"})
    assert {name: arguments[name] for name in meant} == meant


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ({"errorLimit": {"record": "0"}}, {"max_rejects": 0}),
        ({"errorLimit": {"record": 7, "percentage": 0.5}}, {"max_rejects": 7}),
        ({"errorLimit": {"percentage": "0.02"}}, {"max_rejects": "2%"}),
        ({"errorLimit": None}, {"max_rejects": "unlimited"}),
        ({"errorLimit": {"strategy": "ZeroTolerance", "record": ""}}, {"max_rejects": 0}),
        ({"errorLimit": {"strategy": "Ignore", "record": "3"}}, {"max_rejects": "unlimited"}),
        ({"speed": {"throttle": True, "mbps": "1.5"}}, {"max_bytes_per_second": 1572864}),
        ({"speed": {"byte": 1048576, "channel": 3}}, {"max_bytes_per_second": 1048576, "concurrency": 3}),
    ],
)  # fmt: skip
def test_what_the_settings_say_is_kept(setting: Change, meant: Change) -> None:
    """Limits of dirty rows and of speed have their arguments."""
    arguments = arguments_of(setting=setting)
    assert {name: arguments[name] for name in meant} == meant


def test_what_nobody_understands_is_named() -> None:
    """A key that has no meaning here is no error, and is told."""
    job = read_job(changed(reader={"beginOfset": "0"}, writer={"tabel": "x"}, setting={"sped": {}}))
    operator_arguments(job)
    assert job.unknown() == ["steps.reader.parameter.beginOfset", "steps.writer.parameter.tabel", "setting.sped"]


def test_the_guides_job_has_no_unknown_key() -> None:
    """The job that the project starts from is understood whole."""
    job = read_job(GUIDE)
    operator_arguments(job)
    assert job.unknown() == []


@pytest.mark.parametrize(
    ("reader", "writer", "setting", "message"),
    [
        ({"topic": ""}, {}, {}, "steps.reader.parameter.topic is missing"),
        ({"beginOffset": "-1"}, {}, {}, "steps.reader.parameter.beginOffset is -1; an offset is not negative"),
        ({"beginOffset": "start"}, {}, {}, 'beginOffset is "start"; a whole number is wanted'),
        ({"beginOffset": None}, {}, {}, "has nothing to say where the window's start is"),
        ({"beginDateTime": "20261122100000"}, {}, {}, "has beginOffset and beginDateTime to say where"),
        ({"endOffset": None, "endDateTime": "2026-11-22"}, {}, {}, "a time is written yyyyMMddHHmmss"),
        ({"endType": "never"}, {}, {}, "endType is 'never'; earliest, latest, current, specific are known"),
        ({"autoOffsetReset": "newest"}, {}, {}, "autoOffsetReset is 'newest'"),
        ({"valueType": "avro"}, {}, {}, "valueType is 'avro'; known are bytearray"),
        ({"timeZone": "Mars"}, {}, {}, "there is no time zone 'Mars'"),
        ({"column": []}, {}, {}, r"steps.reader.parameter.column is \[\]; a list of texts is wanted"),
        ({"column": ["__key__"]}, {}, {}, "has 1 entries and steps.writer.parameter.column has 8"),
        ({}, {"column": ["A", "a", *"cdefgh"]}, {}, "column has a more than once"),
        ({}, {"truncate": "yes"}, {}, 'steps.writer.parameter.truncate is "yes"; true or false is wanted'),
        (
            {},
            {"preSql": ["drop table t"]},
            {},
            "preSql cannot be run: a statement before the load is a task of its own",
        ),
        ({}, {"supportDynamicPartition": True}, {}, "a whole day for three late records. Set it to false"),
        ({"dataFormat": "text"}, {}, {}, "dataFormat is 'text' with fieldDelimiter None; .* so 'event_id' is none"),
        (
            {"fieldDelimiter": ","},
            {},
            {},
            "dataFormat is None with fieldDelimiter ','; .* write the operator by hand, with",
        ),
        (
            {"datasource": "${ds}"},
            {},
            {},
            r"datasource is \"\$\{ds\}\", whose value is known in the run only; a text is",
        ),
        ({"keyType": "${ds}"}, {}, {}, r"keyType is \"\$\{ds\}\", whose value is known in the run only"),
        ({"waitTime": "${ds}"}, {}, {}, r"waitTime is \"\$\{ds\}\", whose value is known in the run only; a number is"),
        (
            {},
            {"truncate": "${ds}"},
            {},
            r"truncate is \"\$\{ds\}\", whose value .*; true or false is wanted here when the",
        ),
        (
            {},
            {"column": ["${ds}", *"abcdefg"]},
            {},
            r"writer.parameter.column has \$\{ds\}, whose value is known in the run",
        ),
        (
            {},
            {},
            {"speed": {"concurrent": "$[hh24]"}},
            r"concurrent is \"\$\[hh24\]\", whose value is known in the run only",
        ),
        ({}, {"partition": "ds=${day}"}, {}, r"\$\{day\} is no variable that is known here"),
        ({}, {}, {"errorLimit": {"record": "some"}}, 'setting.errorLimit.record is "some"; a whole number is wanted'),
        ({}, {}, {"errorLimit": {"percentage": "nan"}}, 'percentage is "nan"; a number is wanted'),
        ({}, {}, {"speed": []}, None),
    ],
)
def test_what_cannot_be_done_is_refused(reader: Change, writer: Change, setting: Change, message: str | None) -> None:
    """A job that would need a guess says where, what was seen, and what to do."""
    if message is None:
        assert "concurrency" not in arguments_of(reader, writer, setting)
        return
    with pytest.raises(InvalidJob, match=message):
        arguments_of(reader, writer, setting, variables={"ds": "{{ ds }}"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{", "the job is no JSON"),
        ("no-such-file.json", "the job cannot be read"),
        ({}, "neither 'steps' .* nor 'job' .* it has nothing"),
        ({"steps": "all"}, "steps is no list of JSON objects"),
        ({"steps": []}, "steps has 0 steps of category 'reader'"),
        ({"job": {"content": []}}, r"job.content has to be a list of one reader with its writer"),
        ({"job": {"content": [{"reader": {"name": "mysqlreader"}}]}}, "reader.name is 'mysqlreader'; only 'kafka'"),
    ],
)
def test_what_is_no_job_is_refused(given: Any, message: str) -> None:
    """Other JSON, and jobs of other systems, are named as such."""
    with pytest.raises(InvalidJob, match=message):
        read_job(given)


def test_a_time_without_a_zone_is_not_guessed() -> None:
    """DataWorks takes its region's zone; nobody knows it here."""
    job = read_job(changed(reader={**TIMES, "beginDateTime": "20261122100000", "endDateTime": "20261122110000"}))
    with pytest.raises(InvalidJob, match="by a clock that the job does not name"):
        operator_arguments(job)


def test_parts_of_a_record_have_no_delimiter() -> None:
    """A job that takes whole values and constants runs, whatever stands between the fields of a value."""
    reader = {"column": ["__key__", "__value__", "'1'"], "dataFormat": "text", "fieldDelimiter": ","}
    assert arguments_of(reader, {"column": ["k", "v", "n"]})["columns"] == {
        "k": "__key__",
        "v": "__value__",
        "n": "'1'",
    }


@pytest.mark.parametrize(
    ("asked", "max_memory", "concurrency"),
    [
        (1, 340_000_000, 1),
        (16, 340_000_000, 16),
        ("32", 340_000_000, 16),
        (32, 10**9, 32),
        (32, 1, 1),
        (0, 10**9, None),
    ],
)
def test_concurrency_is_what_memory_allows(asked: int | str, max_memory: int, concurrency: int | None) -> None:
    """32 are in range there; here they are as many as fit, and what is given is what the load accepts."""
    found = arguments_of(setting={"speed": {"concurrent": asked}}, max_memory=max_memory).get("concurrency")
    assert found == concurrency
    if max_memory > 1 and found is not None:
        assert Resources.within(max_memory, concurrency=found).concurrency == found
