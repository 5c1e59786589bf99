"""Schedule variables are rendered as DataWorks would for the same run."""

import pendulum
import pytest
from dataworks.jobs import changed
from dataworks.loaded import DUE, column, rendered
from jinja2 import Environment

from airflow_provider_kafka_odps.core.window.bounds import At, Side
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound
from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.variables import to_template
from airflow_provider_kafka_odps.exceptions import InvalidJob


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("ds=${bizdate}", "UTC", "ds=20261121"),
        ("ds=${BIZDATE}", "UTC", "ds=20261121"),
        ("${bdp.system.bizdate}", "UTC", "20261121"),
        ("${bdp.system.cyctime}", "UTC", "20261122110000"),
        ("$bizdate $cyctime", "UTC", "20261121 20261122110000"),
        ("$[yyyymmddhh24miss]", "Asia/Shanghai", "20261122190000"),
        ("$[yyyymmddhh24miss-1/24]", "UTC", "20261122100000"),
        ("$[yyyymmddhh24miss - 15/24/60]", "UTC", "20261122104500"),
        ("$[yyyymmdd-1]", "UTC", "20261121"),
        ("$[yyyymmdd+7]", "UTC", "20261129"),
        ("$[hh24]", "Asia/Shanghai", "19"),
        ("$[yyyy-mm-dd hh24:mi:ss]", "UTC", "2026-11-22 11:00:00"),
        ("$[add_months(yyyymmdd,-1)]", "UTC", "20261022"),
        ("${yyyymmdd}", "UTC", "20261121"),
        ("${yyyymmdd-7}", "UTC", "20261114"),
        ("${yyyy-mm-dd}", "UTC", "2026-11-21"),
        ("${yyyymm-1}", "UTC", "202610"),
        ("${yyyy-1}", "UTC", "2025"),
        ("ds=${day}/hh=$[hh24-1/24]", "UTC", "ds=20261120/hh=10"),
        ("$gmtdate ${gmtdate}", "Asia/Shanghai", "20261122 20261122"),
        ("$bizmonth", "UTC", "202610"),
        ("a$bizdate-$CYCTIME.csv", "UTC", "a20261121-20261122110000.csv"),
        ("$bdp.system.bizdate", "UTC", "20261121"),
        ("ds=$day", "UTC", "ds=20261120"),
        ("${city}", None, "Xi'an $5 $oid"),
        ("'${city}'", None, "'Xi\\'an $5 $oid'"),
        ("'${day}'", "UTC", "'20261120'"),
        ("no variable: $5 {x} $", None, "no variable: $5 {x} $"),
    ],
)
def test_variables_are_what_dataworks_makes_of_them(text: str, zone: str | None, wanted: str) -> None:
    """Each form of a variable has the value that it has in an instance due at the same time."""
    given = {"day": "${yyyymmdd-1}", "city": "Xi'an $5 $$oid"}
    assert Environment().from_string(to_template(text, "here", zone, given)).render(data_interval_end=DUE) == wanted


@pytest.mark.parametrize(
    ("due", "month"), [("2026-12-01", "202611"), ("2026-12-02", "202611"), ("2026-03-31", "202602")]
)
def test_the_business_month(due: str, month: str) -> None:
    """The month of the business date if it is another one than that of the run, else the one before."""
    template = to_template("$bizmonth", "here", "UTC")
    assert Environment(autoescape=True).from_string(template).render(data_interval_end=pendulum.parse(due)) == month


def test_a_run_without_an_interval_is_due_at_its_logical_date() -> None:
    """A schedule that gives instants instead of intervals counts from the run's own instant."""
    template = to_template("$[yyyymmdd]", "here", "UTC")
    assert (
        Environment(autoescape=True).from_string(template).render(logical_date=DUE, data_interval_end=None)
        == "20261122"
    )


def test_a_range_of_times_becomes_the_runs_hour() -> None:
    """The usual pair of variables loads the hour before the instant when the run is due."""
    times = {"beginDateTime": "$[yyyymmddhh24miss-1/24]", "endDateTime": "$[yyyymmddhh24miss]"}
    job = read_job(changed(reader={"beginOffset": None, "endOffset": None, **times}))
    arguments = operator_arguments(job, timezone="Asia/Shanghai")
    none = Interval(None, None)
    start = parse_bound(rendered(arguments["start"]), Side.START, none)
    end = parse_bound(rendered(arguments["end"]), Side.END, none)
    assert isinstance(start, At)
    assert isinstance(end, At)
    assert (end.millis, end.millis - start.millis) == (DUE.int_timestamp * 1000, 3_600_000)


@pytest.mark.parametrize(
    "text",
    [
        *("${day}", "$[hello]", "$[yyyymmdd-1/7]", "${hh24-1}", "$[add_months(x,1)]", "${}"),
        *("$day", "$yyyymmdd", "$jobid", "$bizdate_1", "${bizdate", "ds=$[yyyymmdd", "$业务"),
    ],
)
def test_an_unknown_variable_is_refused(text: str) -> None:
    """What would reach the table as it is written is an error that says how to give it."""
    with pytest.raises(InvalidJob, match=r"here: .* is no variable that is known here. Give what the job's schedule"):
        to_template(text, "here", "UTC")
    with pytest.raises(InvalidJob, match=r"variable own: .* is no variable that is known here"):
        to_template("${own}", "here", "UTC", {"own": text})


def test_a_day_without_a_zone_is_not_guessed() -> None:
    """A variable is a day of some zone; without one it is refused."""
    with pytest.raises(InvalidJob, match=r"\$\{bizdate\} is a day or an hour of a time zone"):
        to_template("${bizdate}", "here", None)


@pytest.mark.parametrize(
    ("part", "key", "argument"),
    [
        ("reader", "topic", "topic"),
        ("reader", "groupId", "group_id"),
        ("writer", "partition", "partition"),
        ("writer", "table", "table"),
        ("writer", "tunnelQuota", "quota_name"),
        ("reader", "kafkaConfig.group.id", "group_id"),
        ("writer", "project", "table"),
        ("writer", "schema", "table"),
    ],
)
@pytest.mark.parametrize("variable", ["${bizdate}", "$gmtdate", "${day}"])
def test_a_variable_may_stand_in_every_text(part: str, key: str, argument: str, variable: str) -> None:
    """It is rendered, wherever it stands, or refused: its letters reach nothing."""

    def job(text: str) -> Job:
        section, dot, inner = key.partition(".")
        return read_job(changed(**{part: {section: {inner: text} if dot else text}}))

    variables = {"day": "$bizdate"}
    arguments = operator_arguments(job(f"x{variable}"), timezone="UTC", variables=variables)
    assert ("x20261122" if variable == "$gmtdate" else "x20261121") in rendered(arguments[argument])
    with pytest.raises(InvalidJob, match=rf"{part}.parameter.{key}: \$days is no variable"):
        operator_arguments(job("$days"), timezone="UTC", variables=variables)


def test_a_variable_in_a_constant_column() -> None:
    """The business date is kept with each row, and not the letters of its variable."""
    job = changed(reader={"column": ["'${bizdate}'"]}, writer={"column": ["day"]})
    assert column(job, "day", {}, timezone="UTC") == ["20261121"]
    with pytest.raises(InvalidJob, match=r"steps.reader.parameter.column\[0\]: \$\{day\} is no variable"):
        operator_arguments(read_job(changed(reader={"column": ["'${day}'"]}, writer={"column": ["day"]})))
    job = changed(reader={"column": ["'${city}'"]}, writer={"column": ["day"]})
    assert column(job, "day", {}, variables={"city": "Xi'an"}) == ["Xi'an"]


def test_variables_with_constants_are_read_as_if_they_were_typed() -> None:
    """Numbers, words, ranges and names of connections, wherever a text may stand."""
    reader = {"beginOffset": "${begin}", "endOffset": "${end}", "datasource": "kafka_${env}", "partition": "${one}"}
    setting = {"speed": {"concurrent": "${n}"}, "errorLimit": {"record": "${n}"}}
    variables = {"begin": "seekToBeginning", "end": "9", "env": "prod", "one": "0", "n": "2"}
    job = changed(reader, {"datasource": "odps_$env", "truncate": "${off}"}, setting)
    found = operator_arguments(read_job(job), variables={**variables, "off": "false"})
    wanted = {"start": "earliest", "end": 9, "kafka_config_id": "kafka_prod", "partitions": [0], "concurrency": 2}
    assert {name: found[name] for name in wanted} == wanted
    assert (found["max_rejects"], found["maxcompute_conn_id"], found["mode"]) == (2, "odps_prod", "append")


def test_offsets_that_only_the_run_knows_have_the_same_clamp() -> None:
    """A range that a task before has found is one for all partitions, as a typed one is."""
    job = changed(reader={"beginOffset": "${begin}", "endOffset": "${end}", "partition": "${p}"})
    variables = {name: f"{{{{ ti.xcom_pull('{name}') }}}}" for name in ("begin", "end", "p")}
    found = operator_arguments(read_job(job), variables=variables)
    wanted = {
        "start": variables["begin"],
        "end": variables["end"],
        "on_short_log": "clamp",
        "partitions": variables["p"],
    }
    assert {name: found[name] for name in wanted} == wanted
    assert all(type(found[name]) is str for name in ("start", "end", "partitions"))


def test_times_by_variables_have_no_clamp() -> None:
    """An instant is in every partition's log, or behind its end; nothing is too short for it."""
    times = {"beginDateTime": "$[yyyymmddhh24miss-1/24]", "endDateTime": "$[yyyymmddhh24miss]"}
    job = read_job(changed(reader={"beginOffset": None, "endOffset": None, **times}))
    assert "on_short_log" not in operator_arguments(job, timezone="UTC")
