"""Nothing that is read takes more than linear time: eight times the text, about eight times the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from local.raw import Raw, job

from airflow_provider_kafka_odps.local.api.services import open_services
from airflow_provider_kafka_odps.local.catalog.specs import read_spec
from airflow_provider_kafka_odps.local.errors import ServiceError, SqlError
from airflow_provider_kafka_odps.local.instances.jobs import parse_xml, read_job
from airflow_provider_kafka_odps.local.lexer import tokenize
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.sql.parsing.parser import parse_script
from airflow_provider_kafka_odps.local.sql.queries.query import _distinct
from airflow_provider_kafka_odps.local.sql.show import _matches
from airflow_provider_kafka_odps.local.wire.types import parse_type

MORE = 8
"""How many times as long the longer text is; with quadratic work it takes 64 times as long."""


def work(read: Callable[[str], object], text: str) -> float:
    """Return the processor time of reading a text, the least of some tries; errors are an answer."""
    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        with suppress(SqlError, ServiceError):
            read(text)
        least = min(least, time.process_time() - started)
    return least


def check_linear(read: Callable[[str], object], begin: str, piece: str, end: str, first: int) -> None:
    """Compare a text with one of eight times as many pieces; what takes no time at all is not compared."""
    short = work(read, begin + piece * first + end)
    long = work(read, begin + piece * first * MORE + end)
    assert long < max(short, 0.002) * MORE * 3, f"{short:.4f} s, and {long:.4f} s for {MORE} times the text"


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        ("SELECT '", "x", ""),
        ("SELECT '", "a 'b ", ""),
        ("SELECT '", "\\'", ""),
        ('SELECT "', "'", ""),
        ("SELECT `", "``", ""),
        ("", "/* ", ""),
        ("", "/*", "*/"),
        ("", "${", ""),
        ("", "1", "é"),
        ("", "1.", "é"),
        ("", "1e", ""),
        ("", "-- \n", ""),
        ("SELECT ", "(", ""),
        ("", "SELECT 1;", ""),
        ("SET a=", "b", ""),
        ("CREATE TABLE t (", "c BIGINT, ", "d BIGINT)"),
        ("ALTER TABLE t ADD ", "PARTITION (ds='a') ", ""),
        ("CREATE TABLE t (c BIGINT) TBLPROPERTIES ('a'='", "\\\\", "')"),
    ],
)
def test_scripts(begin: str, piece: str, end: str) -> None:
    """Literals, names and comments without an end, numbers that are none, many statements, columns and partitions."""
    check_linear(tokenize, begin, piece, end, 1000)
    check_linear(parse_script, begin, piece, end, 250)


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        ("", " ", ""),
        ("a=", " ", "b c="),
        ("", "a ", ""),
        ("", "a=1,", ""),
        ("", "a='", ""),
        ("a='", "\\'", ""),
        ("", "=", ""),
    ],
)
def test_partition_specs(begin: str, piece: str, end: str) -> None:
    """Blanks, quotes and commas without end."""
    check_linear(read_spec, begin, piece, end, 10_000)


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        ("struct<", "a:int,", "b:int>"),
        ("", "array<", ""),
        ("struct<`", "``", "`:int>"),
        ("decimal(", "1,", "1)"),
        ("char(", "9", ")"),
    ],
)
def test_types(begin: str, piece: str, end: str) -> None:
    """Many fields, levels and digits."""
    check_linear(parse_type, begin, piece, end, 400)


def test_jobs() -> None:
    """Levels, properties and texts of a job."""
    check_linear(lambda text: parse_xml(text.encode(), "a job"), "", "<a>", "", 4000)
    check_linear(lambda text: read_job(job(text)), "SELECT ", "&lt;", "", 4000)
    check_linear(lambda text: read_job(job("SELECT 1", text)), "", "[", "", 4000)


def test_names() -> None:
    """Results of one name, and patterns of many stars."""
    check_linear(lambda text: _distinct(text.split()), "", "a ", "", 2000)
    check_linear(lambda text: _matches("a" * 200, text), "", "*a", "b", 20)


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [("SELECT 1 WHERE 1 IN (", "7, ", "8)"), ("SELECT * FROM VALUES ", "(1, 'a'), ", "(2, 'b') AS t(k, v)")],
)
def test_queries(begin: str, piece: str, end: str) -> None:
    """Long lists and many rows of values."""
    services = open_services(Settings(), lambda: 1_800_000_000_000)
    run = services.instances.engine.run
    run("SELECT 1", {})
    check_linear(lambda text: run(text, {}), begin, piece, end, 100)
    services.close()


@pytest.mark.parametrize(
    "query", ["SELECT " + "(" * 20_000, "SELECT " + "-" * 20_001 + "1", "SELECT " + "NOT " * 20_000 + "TRUE"]
)
def test_a_query_that_is_nested_too_deeply_is_an_error_of_its_own(raw: Raw, query: str) -> None:
    """The statement fails, and the endpoint goes on."""
    services = open_services(Settings(), lambda: 1_800_000_000_000)
    with pytest.raises(SqlError):
        services.instances.engine.run(query, {})
    services.close()
    assert raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", job(query))[0] == 201


def test_a_job_that_is_nested_too_deeply_is_refused(raw: Raw) -> None:
    """Whether it has five thousand levels or a hundred thousand."""
    for levels in (5000, 100_000):
        body = b"<Instance>" + b"<a>" * levels + b"</a>" * levels + b"</Instance>"
        status, answer = raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", body)
        assert (status, b"more than 64 levels" in answer) == (400, True)


def test_a_literal_without_an_end_is_named(raw: Raw) -> None:
    """The place where it begins is said."""
    with pytest.raises(SqlError, match=r"\[2,8\] Parse exception - what begins with \"'open\" has no end"):
        parse_script("SELECT 1;\nSELECT 'open")
    assert raw.endpoint
