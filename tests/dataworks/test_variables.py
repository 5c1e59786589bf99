"""Schedule variables are rendered as DataWorks would for the same run."""

from typing import Any

import pendulum
import pytest
from dataworks.jobs import changed
from jinja2 import Environment

from airflow_provider_kafka_odps.core.window.bounds import At, Side
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound
from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.dataworks.variables import to_template
from airflow_provider_kafka_odps.exceptions import InvalidJob

DUE = pendulum.datetime(2026, 11, 22, 11, 0, 0)


def rendered(template: str, **context: Any) -> str:
    """Render as Airflow does, for a run that is due at 11:00 UTC."""
    return Environment(autoescape=True).from_string(template).render(data_interval_end=DUE, **context)


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
        ("no variable: $5 {x}", None, "no variable: $5 {x}"),
    ],
)
def test_variables_are_what_dataworks_makes_of_them(text: str, zone: str | None, wanted: str) -> None:
    """Each form of a variable has the value that it has in an instance due at the same time."""
    assert rendered(to_template(text, "here", zone, {"day": "${yyyymmdd-1}"})) == wanted


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


@pytest.mark.parametrize("text", ["${day}", "$[hello]", "$[yyyymmdd-1/7]", "${hh24-1}", "$[add_months(x,1)]", "${}"])
def test_an_unknown_variable_is_refused(text: str) -> None:
    """What would reach the table as it is written is an error that says how to give it."""
    with pytest.raises(InvalidJob, match=r"here: .* is no variable that is known here. Give what the job's schedule"):
        to_template(text, "here", "UTC")


def test_a_day_without_a_zone_is_not_guessed() -> None:
    """A variable is a day of some zone; without one it is refused."""
    with pytest.raises(InvalidJob, match=r"\$\{bizdate\} is a day or an hour of a time zone"):
        to_template("${bizdate}", "here", None)
