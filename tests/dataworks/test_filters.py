"""`dx_filter` leaves in what it leaves in where the job runs today, or the job is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from dataworks.datax_rules import Dirty
from dataworks.filter_rules import kept
from dataworks.jobs import changed, transforming
from dataworks.loaded import arguments_of, projected
from hypothesis import example, given
from hypothesis import strategies as st
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.dataworks.__main__ import main
from airflow_provider_kafka_odps.dataworks.hazards.every import hazards
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.exceptions import InvalidJob

JOB = changed(reader={"column": ["a", "row"]}, writer={"column": ["a", "row"]})
ORDERS = ("<", "<=", ">", ">=")


def filtering(code: str, value: Any, job: dict[str, Any] = JOB, index: int = 0) -> dict[str, Any]:
    """Return the job with one filter."""
    return transforming(job, ("dx_filter", index, [code, value]))


def here(job: dict[str, Any], *values: str) -> list[bool | None]:
    """Return for each JSON value whether its record is left in; None for a reject."""
    written = (f'{{"a": {value}, "row": {row}}}'.encode() for row, value in enumerate(values))
    found = projected(job, {"a": "STRING", "row": "BIGINT"}, *written)
    left = dict.fromkeys(found.columns.column("row").to_pylist(), True)
    rejected: dict[int, None] = dict.fromkeys(each.row for each in found.rejects)
    return [{**left, **rejected}.get(row, False) for row in range(len(values))]


def there(written: str, code: str, value: str) -> bool | None:
    """Return the same for DataX."""
    try:
        return kept(written, code, value)
    except Dirty:
        return None


VALUES = [
    "null",
    '"x"',
    '"b"',
    '"null"',
    '"true"',
    '"10"',
    '"9"',
    '"10.0"',
    '""',
    "10",
    "9",
    "11",
    "-0",
    "10.0",
    "1e1",
    "10.5",
    "1.50",
    "true",
    "false",
    '"中"',
    '"😀"',
    '"a\\nb"',
    "9007199254740993",
]


@pytest.mark.parametrize("value", ["x", "b", "10", "+10", "010", "0", "1.5", "null", "NULL", "true", "中"])
@pytest.mark.parametrize("code", [*ORDERS, "=", "!=", "==", "like", "not like"])
def test_a_filter_leaves_in_what_datax_leaves_in(code: str, value: str) -> None:
    """Whatever the kind of a value; what DataX compares by letters or not at all may be a reject."""
    if value == "+10" and "like" in code:
        return
    found = here(filtering(code, value), *VALUES)
    for written, left in zip(VALUES, found, strict=True):
        expected = there(written, code.replace("==", "="), value)
        if left != expected:
            assert None in (left, expected), (written, left, expected)
            assert excused(written, code, value), (written, left, expected)


def excused(written: str, code: str, value: str) -> bool:
    """Tell whether docs/dataworks.md lists the value as one that differs."""
    number = value.lstrip("+").replace(".", "").isdigit()
    kind = type(json.loads(written))
    if code in ORDERS:
        return kind is bool or (number and kind is str) or ("." in value and kind is int)
    if value.lower() in ("null", "true"):
        return kind in (int, float)
    if number:
        return written in ('"10.0"', '"10"') or ("." in value and kind is int)
    return kind is bool


@example("\r", "\r", "<=")
@given(st.text(max_size=3), st.text(max_size=3, min_size=1), st.sampled_from([*ORDERS, "=", "!="]))
def test_texts_are_compared_as_there(text: str, value: str, code: str) -> None:
    """Also those with quotes, backslashes, braces and characters beyond U+FFFF, if the job is not refused."""
    written = json.dumps(text)
    piped = transforming(JOB, ("dx_substr", 0, ["0", "9"]), ("dx_filter", 0, [code, value]))
    try:
        found = here(piped, written)
    except InvalidJob:
        assert "$" in value or "\r" in value or (code in ORDERS and max(value) >= "\ud800")
        return
    assert found == [there(written, code, value)]


def lines(column: str, code: str, value: str, **reader: Any) -> str:
    """Return the `where` of one filter of one column."""
    job = changed(reader={"column": [column], **reader}, writer={"column": ["c"]})
    return str(arguments_of(filtering(code, value, job))["where"])


@pytest.mark.parametrize(
    ("column", "code", "value", "where"),
    [
        ("type", "!=", "order", "\"type\" = 'order'"),
        ("type", "=", "it's", "\"type\" IS NULL OR \"type\" <> 'it''s'"),
        ("a.b[0].from", ">", "1e1", '"a"."b"[0]."from" IS NULL OR "a"."b"[0]."from" <= 10'),
        ("__key__", "=", "internal", "__key__ IS NULL OR __key__ <> 'internal'"),
        ("__key__.id", "!=", "x", "__key__.\"id\" = 'x'"),
        ("__value__[0]", "!=", "x", "__value__[0] = 'x'"),
        ("a|b", "!=", "x", "\"a|b\" = 'x'"),
        ("__headers__.x", "!=", "x", "__headers__.\"x\" = 'x'"),
        ("__offset__", ">=", "+10", "__offset__ IS NULL OR __offset__ < 10"),
        ("__timestamp__", "<", "1795341600123", "__timestamp__ IS NULL OR __timestamp__ >= '2026-11-22T10:00:00.123Z'"),
        ("__key__", "like", "in.*", None),
        ("type", "not like", "^(?i)x$", None),
    ],
)  # fmt: skip
def test_a_filter_is_a_condition(column: str, code: str, value: str, where: str | None) -> None:
    """By what the column holds; names of fields are quoted, because one may be a word of SQL."""
    found = lines(column, code, value)
    assert where in (None, found)
    projected(filtering(code, value, changed(reader={"column": [column]}, writer={"column": ["c"]})), {"c": "STRING"})


def test_keys_that_are_numbers_are_compared_as_numbers() -> None:
    """By the type of the key."""
    assert lines("__key__", ">", "010", keyType="long") == "__key__ IS NULL OR __key__ <= 10"
    assert lines("__key__", ">", ".5", keyType="double") == "__key__ IS NULL OR __key__ <= 0.5"


def test_filters_and_functions_follow_one_another() -> None:
    """A filter looks at the column behind the transformers before it; several are joined."""
    job = transforming(
        JOB,
        ("dx_filter", 0, ["=", "abc"]),
        ("dx_replace", 0, ["0", "1", "it's\\"]),
        ("dx_filter", 0, ["not like", "it's.*b?c"]),
        ("dx_substr", 0, ["0", "4"]),
    )
    assert here(job, '"abc"', '"abd"', '"xbc"', "null") == [False, False, True, False]
    assert arguments_of(job)["where"].startswith('("a" IS NULL OR "a" <> \'abc\') AND ("a" | replace_regex(\'(?s)\\A(')
    assert arguments_of(JOB).get("where") is None


def test_variables_in_a_filter_are_rendered() -> None:
    """A constant decides how it is compared; what only the run knows is a text."""
    job = filtering("!=", "${bizdate}")
    found = projected(job, {"a": "STRING", "row": "BIGINT"}, {"a": "20261121"}, {"a": "x"}, timezone="UTC")
    assert (len(found.columns), found.filtered) == (1, 1)
    job = filtering(">", "${most}")
    assert arguments_of(job, variables={"most": "10"})["where"] == '"a" IS NULL OR "a" <= 10'
    assert arguments_of(job, variables={"most": "it's"})["where"] == "\"a\" IS NULL OR \"a\" <= 'it''s'"


@pytest.mark.parametrize(
    ("column", "paras", "message"),
    [
        ("a", ["="], r"transformer\[0\] \(dx_filter\).paras has 1 entries; dx_filter takes code, value"),
        ("a", ["<>", "x"], r"paras\[0\] is '<>'; known are like, not like, >, >=, <, <=, =, !="),
        ("a", ["=", ""], r"paras\[1\] is empty"),
        ("'x'", ["=", "x"], r"compares 'x' with something, and it has one constant. Take .* out of the job, and write"),
        ("__headers__", ["=", "x"], "it has all headers"),
        ("__timestamp__", ["like", "1.*"], "matches __timestamp__ as a text, and it has milliseconds since 1970"),
        ("__timestamp__", ["<", "2026-11-22"], r"paras\[1\] is '2026-11-22'; a whole number is wanted there"),
        ("__timestamp__", ["<", "999999999999999"], "an instant of the years 1 to 9999"),
        ("__offset__", ["=", "1.5"], "a whole number is wanted there, known when the job is read"),
        ("__offset__", ["=", "null"], "a whole number is wanted there"),
        ("__offset__", ["=", "$gmtdate"], "a whole number is wanted there, known when the job is read"),
        ("a", ["like", "(?=x).*"], r"'\(\?=' at position 0.*such as \"a\" NOT LIKE 'a%'"),
        ("a", ["like", "x.*$y"], r"'\$' at position 3"),
        ("a", [">", "😀"], "the order of texts with characters from U.D800 on is another one in DataX"),
        ("a", [">", "1e30"], None),
        ("a", [">", "1e40"], "at most 36 digits before and 18 behind its point"),
        ("a", ["=", "1e-20"], "at most 36 digits before and 18 behind its point"),
    ],
)
def test_a_filter_that_cannot_be_done_exactly_is_refused(column: str, paras: list[str], message: str | None) -> None:
    """By its name and its place, with what to write in its stead."""
    job = changed(reader={"column": [column]}, writer={"column": ["c"]})
    job = transforming(job, ("dx_filter", 0, paras))
    if message is None:
        assert arguments_of(job, timezone="UTC")["where"]
        return
    with pytest.raises(InvalidJob, match=message):
        arguments_of(job, timezone="UTC")


@pytest.mark.parametrize(
    ("paras", "refused"),
    [
        (["<", "x"], True), (["<=", "5"], True), (["=", "null"], True), (["!=", "NULL"], True), (["like", "a*"], True),
        (["not like", ".*"], True), ([">", "x"], False), (["=", "x"], False), (["!=", "5"], False),
        (["like", "a+"], False),
    ],
)  # fmt: skip
def test_what_an_empty_text_is_decides(paras: list[str], refused: bool) -> None:
    """DataX makes NULL of it behind its filters; where that is not the same, the job is refused."""
    job = changed(reader={"column": ["a", "row"]}, writer={"column": ["a", "row"], "emptyAsNull": True})
    job = filtering(paras[0], paras[1], job)
    if refused:
        with pytest.raises(InvalidJob, match="makes a difference between an empty text and none"):
            arguments_of(job)
        return
    assert here(job, '""', '"a"', "null") == [there(each, paras[0], paras[1]) for each in ('""', '"a"', "null")]


def test_lint_and_convert_show_the_condition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lint` says what a filter leaves out there, and in what it differs; both have the condition."""
    job = filtering(">", "${most}")
    (found,) = [each for each in hazards(read_job(filtering("=", "x"))) if each.name == "left-out-on-the-way"]
    assert found.where == "job.content[0].transformer[0] (dx_filter)"
    assert found.means == "leaves out records by = x; one without a value stays."
    (path := tmp_path / "job.json").write_text(json.dumps(job))
    assert main(["lint", str(path), "--variable", "most=10"]) == 0
    printed = capsys.readouterr().out
    assert '  instead: where: "a" IS NULL OR "a" <= 10\n' in printed
    assert "are rejects here" in printed
    assert main(["convert", str(path), "--variable", "most=10"]) == 0
    assert 'where=\'"a" IS NULL OR "a" <= 10\'' in capsys.readouterr().out


PAGE = (ROOT / "docs" / "dataworks.md").read_text(encoding="utf-8")
LINES = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.split("| `code`, value | `where` for a column `a` |\n")[1].split("\n\n")[0].splitlines()[1:]
]


@pytest.mark.parametrize(("asked", "where"), LINES)
def test_each_line_of_the_page_is_so(asked: str, where: str) -> None:
    """The conditions of the page are those of a job."""
    code, value = asked.strip("`").split("`, `")
    assert f"`{lines('a', code, value)}`" == where
