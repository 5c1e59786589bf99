"""A job with typed columns loads what DataX loads, or says what it does not: the table of docs/dataworks.md."""

from __future__ import annotations

import html
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from dataworks.datax_rules import ZONE, Dirty, datax
from dataworks.jobs import changed
from dataworks.loaded import arguments_of, projected
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.exceptions import InvalidJob

PAGE = (ROOT / "docs" / "dataworks.md").read_text(encoding="utf-8")
LINES = [
    [html.unescape(cell.strip().strip("`")) for cell in line.strip("|").split("|")]
    for line in PAGE.split("| value | type | DataX | here |\n")[1].split("\n\n")[0].splitlines()[1:]
]
NUMBERS = ("TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "DECIMAL(10,2)")
TYPES = ("STRING", *NUMBERS, "BOOLEAN", "DATETIME", "DATE")
JOB = changed(reader={"column": ["a"], "timeZone": "Asia/Shanghai"}, writer={"column": ["a"]})
BOTH = [(written, kind) for written, kind, there, here in LINES if there == here]


def here(written: str, kind: str) -> Any:
    """Return what the job loads for a JSON value; raise Dirty for a reject."""
    found = projected(JOB, {"a": kind}, b'{"a": ' + written.encode() + b"}")
    if found.rejects:
        raise Dirty(written)
    (value,) = found.columns.column("a").to_pylist()
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def shown(value: Any) -> str:
    """Return a value as the page has it; instants by the clock of the job."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case datetime():
            local = value.astimezone(ZONE).replace(tzinfo=None)
            return local.isoformat(" ", timespec="milliseconds" if local.microsecond else "seconds")
        case Decimal():
            return f"{value:.2f}"
        case date() | int():
            return str(value)
        case float():
            return repr(value).replace("nan", "NaN")
        case _:
            return str(value)


@pytest.mark.parametrize(("written", "kind", "there", "instead"), LINES)
def test_each_line_of_the_page_is_so(written: str, kind: str, there: str, instead: str) -> None:
    """In DataX by its own rules, and here by a job that is read and applied."""
    for asked, becomes in ((datax, there), (here, instead)):
        try:
            found = shown(asked(written, kind))
        except Dirty:
            found = "reject"
        assert found == becomes, asked.__name__


def test_every_pair_of_types_is_on_the_page() -> None:
    """Text, whole number, other number, boolean and null, for each type of MaxCompute that a job fills from JSON."""

    def column(written: str) -> str:
        value = json.loads(written)
        return "null" if value is None else type(value).__name__

    pairs = {(column(written), kind) for written, kind, *_ in LINES}
    wanted = {(name, kind) for name in ("str", "int", "float", "bool") for kind in TYPES}
    assert wanted <= pairs
    assert any(written == "null" for written, *_ in LINES)


@pytest.mark.parametrize("kind", TYPES)
def test_null_is_null(kind: str) -> None:
    """In columns of every type, and a field that is missing, too."""
    assert here("null", kind) is datax("null", kind) is None


def test_a_typed_job_loads_all_its_columns() -> None:
    """Texts of numbers, of booleans and of times go into typed columns, as they did there."""
    names = ["id", "amount", "paid", "created_at"]
    job = changed(
        reader={"column": names, "timeZone": "Asia/Shanghai", "keyType": "string", "valueType": "string"},
        writer={"column": names},
    )
    types = {"id": "BIGINT", "amount": "DOUBLE", "paid": "BOOLEAN", "created_at": "DATETIME"}
    found = projected(
        job,
        types,
        {"id": "5", "amount": "1.50", "paid": "true", "created_at": "2026-11-22 18:00:00"},
        {"id": 6, "amount": 2, "paid": False, "created_at": 1795341600123},
    )
    assert not found.rejects
    assert [row | {"created_at": shown(row["created_at"])} for row in found.columns.to_pylist()] == [
        {"id": 5, "amount": 1.5, "paid": True, "created_at": "2026-11-22 18:00:00"},
        {"id": 6, "amount": 2.0, "paid": False, "created_at": "2026-11-22 18:00:00.123"},
    ]


@pytest.mark.parametrize(
    ("reader", "common", "given", "zone"),
    [
        ({"timeZone": "Asia/Shanghai"}, {}, None, "Asia/Shanghai"),
        ({}, {}, "Asia/Tokyo", "Asia/Tokyo"),
        ({"timeZone": "Asia/Shanghai"}, {}, "Asia/Tokyo", "Asia/Shanghai"),
        ({"timeZone": "Asia/Shanghai"}, {"timeZone": "UTC"}, None, "UTC"),
        ({"timeZone": "GMT+8"}, {}, None, "Etc/GMT-8"),
        ({"timeZone": "UTC-03:00"}, {}, None, "Etc/GMT+3"),
        ({}, {"timeZone": "${zone}", "datetimeFormat": "yyyy-MM-dd HH:mm:ss"}, None, None),
        ({"timeZone": "${zone}"}, {"encoding": "UTF-8"}, None, "Asia/Seoul"),
        ({}, {}, None, None),
    ],
)
def test_the_jobs_zone_is_that_of_times_in_values(
    reader: dict[str, str], common: dict[str, str], given: str | None, zone: str | None
) -> None:
    """`common.column.timeZone` where the job has it, else the reader's, else what is given."""
    job = changed(reader=reader, setting={"common": {"column": common}})
    if common.get("timeZone") == "${zone}":
        with pytest.raises(InvalidJob, match="there is no time zone"):
            arguments_of(job)
        return
    assert arguments_of(job, timezone=given, variables={"zone": "Asia/Seoul"}).get("timezone") == zone


@pytest.mark.parametrize(
    ("common", "message"),
    [
        (
            {"datetimeFormat": "yyyyMMddHHmmss"},
            "setting.common.column.datetimeFormat is 'yyyyMMddHHmmss'; other formats",
        ),
        ({"extraFormats": ["yyyyMMdd"]}, "extraFormats is .* are functions behind a column here, such as created_at"),
        ({"encoding": "gbk"}, "encoding is 'gbk'"),
        ({"nulls": "x"}, "setting.common.column.nulls is not known here, and may change how values are converted"),
    ],
)
def test_other_formats_of_times_are_refused(common: dict[str, Any], message: str) -> None:
    """A job that reads times by its own patterns would load other times, or none."""
    with pytest.raises(InvalidJob, match=message):
        arguments_of(changed(setting={"common": {"column": common}}))
