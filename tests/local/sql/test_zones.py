"""Times by the clock of a session, casts between times and numbers, and intervals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odps import ODPS

from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.sql.engine import Engine, Outcome

SHANGHAI = {"odps.sql.timezone": "Asia/Shanghai"}
BERLIN = {"odps.sql.timezone": "Europe/Berlin"}
NOON = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as the clock of Shanghai shows it
BEFORE = dt.datetime(2024, 1, 1, 19, 4, 5)  # noqa: DTZ001 - the same instant in UTC


@pytest.fixture
def engine() -> Engine:
    """Return an engine with one row, whose times were written in Shanghai."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run("CREATE TABLE t (d DATETIME, ts TIMESTAMP, n TIMESTAMP_NTZ, s STRING)", {})
    values = (
        "DATETIME'2024-01-02 03:04:05', TIMESTAMP'2024-01-02 03:04:05', CAST('2024-01-02 03:04:05' AS TIMESTAMP_NTZ)"
    )
    engine.run(f"INSERT INTO t VALUES ({values}, '2024-01-02 03:04:05')", SHANGHAI)
    return engine


def only(outcome: Outcome) -> Any:
    """Return the only row of a result."""
    assert outcome.rows is not None
    (row,) = outcome.rows.to_pylist()
    values = tuple(row.values())
    return values[0] if len(values) == 1 else values


@pytest.mark.parametrize("settings", [{}, SHANGHAI, BERLIN])
def test_an_instant_is_the_same_for_every_clock(engine: Engine, settings: dict[str, str]) -> None:
    """What is read as a column is the instant; a time without a zone is what was written."""
    assert only(engine.run("SELECT d, ts, n FROM t", settings)) == (BEFORE, BEFORE, NOON)
    assert only(engine.run("SELECT d, ts, upper(s) AS s FROM t", settings))[:2] == (BEFORE, BEFORE)


@pytest.mark.parametrize(
    ("expression", "in_shanghai", "in_utc"),
    [
        ("CAST(d AS STRING)", "2024-01-02 03:04:05", "2024-01-01 19:04:05"),
        ("TO_CHAR(d, 'yyyymmdd hh')", "20240102 03", "20240101 19"),
        ("HOUR(d)", 3, 19),
        ("DATETRUNC(d, 'dd')", dt.datetime(2024, 1, 1, 16), dt.datetime(2024, 1, 1)),  # noqa: DTZ001
        ("d > '2024-01-02 00:00:00'", True, False),
        ("d = s", True, False),
        ("UNIX_TIMESTAMP(d)", 1704135845, 1704135845),
        ("TO_MILLIS(ts)", 1704135845000, 1704135845000),
        ("FROM_UNIXTIME(1704135845)", BEFORE, BEFORE),
        ("CAST(FROM_UNIXTIME(0) AS STRING)", "1970-01-01 08:00:00", "1970-01-01 00:00:00"),
        ("CAST(GETDATE() AS STRING)", "1970-01-01 08:03:20", "1970-01-01 00:03:20"),
        ("GETDATE()", dt.datetime(1970, 1, 1, 0, 3, 20), dt.datetime(1970, 1, 1, 0, 3, 20)),  # noqa: DTZ001
        ("TO_DATE('20240102 03', 'yyyymmdd hh')", dt.datetime(2024, 1, 1, 19), dt.datetime(2024, 1, 2, 3)),  # noqa: DTZ001
        ("CAST(0 AS TIMESTAMP)", dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 1)),  # noqa: DTZ001
        ("CAST(d AS DATE)", dt.date(2024, 1, 2), dt.date(2024, 1, 1)),
    ],
)
def test_expressions_go_by_the_clock(engine: Engine, expression: str, in_shanghai: Any, in_utc: Any) -> None:
    """Texts, parts and comparisons are local; numbers of seconds are not."""
    assert only(engine.run(f"SELECT {expression} AS x FROM t", SHANGHAI)) == in_shanghai
    assert only(engine.run(f"SELECT {expression} AS x FROM t", {})) == in_utc


@given(st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2100, 1, 1)))  # noqa: DTZ001 - a clock's time
def test_a_literal_is_the_instant_that_the_calendar_says(moment: dt.datetime) -> None:
    """INSERT writes the instant of a local time; the text of it is read back in the same zone."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run("CREATE TABLE t (d DATETIME)", {})
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    whole = moment.replace(microsecond=0, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    if whole.astimezone(dt.UTC).astimezone(ZoneInfo("Europe/Berlin")).replace(fold=1) != whole:
        with pytest.raises(SqlError, match="the clock of Europe/Berlin leaves out"):
            engine.run(f"INSERT INTO t VALUES (DATETIME'{text}')", BERLIN)
        return
    engine.run(f"INSERT INTO t VALUES (DATETIME'{text}')", BERLIN)
    assert only(engine.run("SELECT d FROM t", {})) == whole.astimezone(dt.UTC).replace(tzinfo=None)
    assert only(engine.run("SELECT CAST(d AS STRING) FROM t", BERLIN)) == text


def test_copies_are_exact_in_hours_that_happen_twice(engine: Engine) -> None:
    """A query that hands columns on copies every instant; one that asks the clock for them is refused, by name."""
    engine.run("CREATE TABLE f (d DATETIME, k BIGINT, s STRING); CREATE TABLE g LIKE f", {})
    first, second = "2024-10-27 00:30:00", "2024-10-27 01:30:00"
    engine.run(f"INSERT INTO f VALUES (DATETIME'{first}', 1, 'x'), (DATETIME'{second}', 2, 'x')", {})
    engine.run("INSERT INTO g SELECT d, k, s FROM f WHERE k > 0 AND s = 'x'", BERLIN)
    found = engine.run("SELECT * FROM g ORDER BY k", BERLIN).rows
    assert found is not None
    assert [str(row["d"]) for row in found.to_pylist()] == [first, second]
    assert only(engine.run("SELECT COUNT(*), MAX(k) FROM g", BERLIN)) == (2, 2)
    with pytest.raises(SqlError, match="column d has a time in an hour that happens twice in Europe/Berlin"):
        engine.run("SELECT CAST(d AS STRING) FROM g", BERLIN)


@pytest.mark.parametrize(
    "condition",
    [
        "t.d = '2024-01-02 03:04:05'",
        "'2024-01-02 03:04:05' = t.d",
        "t.d <> '2024-01-01 19:04:05'",
        "t.d IN ('2024-01-02 03:04:05')",
        "t.d = t.s",
        "t.d = t.n",
        "t.ts >= t.n",
        "t.d > DATE'2024-01-02'",
        "t.d = o.s",
        "EXISTS (SELECT 1 FROM t i WHERE i.d = t.s)",
        "(t.s, t.n) IN (SELECT s, d FROM t)",
        "t.n >= ALL (SELECT d FROM t)",
        "t.n IN (SELECT * FROM (SELECT d FROM t) q)",
    ],
)
def test_conditions_go_by_the_clock_whatever_is_selected(engine: Engine, condition: str) -> None:
    """A query that hands a column on still compares local times; the instant that it returns is the stored one."""
    engine.run("CREATE TABLE o AS SELECT s FROM t", {})
    assert only(engine.run(f"SELECT t.d FROM t CROSS JOIN o WHERE {condition}", SHANGHAI)) == BEFORE


def test_joins_by_one_name_go_by_the_clock(engine: Engine) -> None:
    """USING compares an instant with a text by local time, as ON does."""
    engine.run("CREATE TABLE o (d STRING); INSERT INTO o SELECT s FROM t", {})
    assert only(engine.run("SELECT t.n FROM t JOIN o USING (d)", SHANGHAI)) == NOON
    assert only(engine.run("SELECT o.d FROM t JOIN o ON t.d = o.d", SHANGHAI)) == "2024-01-02 03:04:05"


def test_nested_times_are_refused_by_a_clock(engine: Engine) -> None:
    """Times inside of values stay instants when they are copied, and a query that computes says why it cannot."""
    engine.run("CREATE TABLE f (a ARRAY<DATETIME>, k BIGINT)", {})
    engine.run("INSERT INTO f SELECT array(d), 1 FROM t", {})
    assert only(engine.run("SELECT a FROM f", SHANGHAI)) == [BEFORE]
    with pytest.raises(SqlError, match=r"column a \(array<datetime>\) has times inside"):
        engine.run("SELECT a[0] FROM f", SHANGHAI)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT n FROM (SELECT n, s FROM t) q",
        "SELECT n FROM t UNION SELECT n FROM t",
        "WITH c AS (SELECT n FROM t) SELECT * FROM c",
        "SELECT MAX(n) AS n FROM t GROUP BY s",
        "SELECT COALESCE(n, n) AS n FROM t",
        "SELECT CAST(MIN(n) AS TIMESTAMP_NTZ) AS n FROM t",
        "SELECT CAST('2024-01-02 03:04:05' AS TIMESTAMP_NTZ) AS n",
    ],
)
@pytest.mark.parametrize("settings", [{}, SHANGHAI])
def test_a_time_without_a_zone_stays_one_in_every_query(engine: Engine, query: str, settings: dict[str, str]) -> None:
    """It keeps its type and is never moved, whatever a query makes of it, and also in a table that is made of it."""
    engine.run(f"CREATE TABLE made AS SELECT n FROM ({query}) q", settings)
    for each in (query, "SELECT n FROM made"):
        found = engine.run(each, settings)
        assert found.rows is not None
        assert (str(found.columns[0].type), found.rows.column(0)[0].as_py()) == ("timestamp_ntz", NOON)


def test_times_that_cannot_be_told_apart_are_refused(engine: Engine) -> None:
    """A query that reads both kinds says which result it cannot tell, where the clock makes a difference."""
    query = "SELECT ts FROM t UNION ALL SELECT n FROM t"
    with pytest.raises(SqlError, match="whether ts is a TIMESTAMP or a TIMESTAMP_NTZ cannot be told"):
        engine.run(query, SHANGHAI)
    assert len(engine.run(query, {}).rows or ()) == 2
    assert only(engine.run("SELECT CAST(MAX(ts) AS TIMESTAMP), CAST(MAX(n) AS TIMESTAMP_NTZ) FROM t", SHANGHAI)) == (
        BEFORE,
        NOON,
    )


@pytest.mark.parametrize("query", ["array(d)", "named_struct('x', ts)", "collect_list(DATETIME'2024-01-02 03:04:05')"])
def test_instants_are_not_put_into_values_by_a_clock(engine: Engine, query: str) -> None:
    """An instant inside of a value could not be moved back; it would be local time, silently."""
    with pytest.raises(SqlError, match="makes them by the clock of Asia/Shanghai"):
        engine.run(f"SELECT {query} FROM t GROUP BY d, ts", SHANGHAI)
    engine.run("CREATE TABLE f (a ARRAY<DATETIME>)", {})
    with pytest.raises(SqlError, match="makes them by the clock of Asia/Shanghai"):
        engine.run("INSERT INTO f VALUES (array(DATETIME'2024-01-02 03:04:05'))", SHANGHAI)
    engine.run("INSERT INTO f SELECT NULL FROM t WHERE d = s", SHANGHAI)


def test_views_and_variables_go_by_the_clock_too(engine: Engine) -> None:
    """A view has no clock of its own: it is read by that of whoever reads it."""
    engine.run("CREATE VIEW v AS SELECT CAST(d AS STRING) AS d FROM t", {})
    assert only(engine.run("SELECT d FROM v", SHANGHAI)) == "2024-01-02 03:04:05"
    assert only(engine.run("@x := SELECT d FROM t; SELECT HOUR(d) FROM @x", SHANGHAI)) == 3


@pytest.mark.parametrize(
    ("expression", "settings"),
    [
        ("DATETIME'0001-01-01 00:00:00'", SHANGHAI),
        ("DATETIME'9999-12-31 23:59:59'", {"odps.sql.timezone": "America/New_York"}),
        ("DATEADD(DATETIME'9999-12-31 00:00:00', 5, 'dd')", {}),
        ("DATE'0000-01-01'", {}),
        ("TIMESTAMP'0001-01-01 00:00:00'", SHANGHAI),
    ],
)
def test_times_that_no_client_reads_are_refused(engine: Engine, expression: str, settings: dict[str, str]) -> None:
    """The years are 1 to 9999 in UTC: what is beyond is neither returned nor stored."""
    for statement in (f"SELECT {expression}", f"INSERT INTO t (s, d) SELECT s, {expression} FROM t"):
        with pytest.raises(SqlError, match=r"ODPS-0121095.* outside the years 1 to 9999"):
            engine.run(statement, settings)
    assert only(engine.run("SELECT COUNT(*) FROM t", {})) == 1


def test_a_zone_that_is_none_is_refused(engine: Engine, tmp_path: Path) -> None:
    """A statement's, and the endpoint's own; the message shows how one is written."""
    with pytest.raises(SqlError, match="'Asia/Atlantis' is no time zone; write one such as Asia/Shanghai"):
        engine.run("SELECT d FROM t", {"odps.sql.timezone": "Asia/Atlantis"})
    with pytest.raises(ValueError, match="--timezone 'Shanghai' is no time zone"):
        Settings(folder=tmp_path, timezone="Shanghai")
    assert Settings(timezone="Asia/Shanghai").tenant["odps.sql.timezone"] == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CAST('1.6' AS BIGINT)", 1),
        ("CAST(-1.6 AS INT)", -1),
        ("CAST(1.999BD AS BIGINT)", 1),
        ("CAST('123abc' AS BIGINT)", 123),
        ("CAST('9223372036854775807' AS BIGINT)", 9223372036854775807),
        ("CAST('1e2' AS BIGINT)", 100),
        ("CAST('abc' AS BIGINT)", None),
        ("CAST(CAST(1.5 AS DOUBLE) AS TIMESTAMP)", dt.datetime(1970, 1, 1, 0, 0, 1, 500_000)),  # noqa: DTZ001
        ("CAST(NULL AS TIMESTAMP)", None),
        ("CAST(TRUE AS BIGINT)", 1),
    ],
)
def test_casts_do_what_the_service_documents(engine: Engine, expression: str, value: Any) -> None:
    """Fractions are cut off, the number at a text's start counts, and a number of seconds is a TIMESTAMP."""
    assert only(engine.run(f"SELECT {expression} AS x", {})) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("CAST(1 AS DATETIME)", "unsupported CAST of a number to DATETIME; FROM_UNIXTIME"),
        ("CAST(1.5 AS DATE)", "unsupported CAST of a number to DATE"),
        ("CAST(d AS BIGINT)", "unsupported CAST of a time to BIGINT; UNIX_TIMESTAMP"),
        ("CAST(ts AS DOUBLE)", "unsupported CAST of a time to DOUBLE"),
        ("CAST(TRUE AS DATETIME)", "unsupported CAST of this value to DATETIME"),
        ("CAST(d > d AS TIMESTAMP)", "unsupported CAST of this value to TIMESTAMP"),
        ("CAST(array(s) AS BIGINT)", "unsupported CAST of this value to BIGINT"),
        ("CAST(CAST(s AS BINARY) AS INT)", "unsupported CAST of this value to INT"),
        ("CAST(CAST(d AS DATE) AS BOOLEAN)", "unsupported CAST of a time to BOOLEAN"),
    ],
)
def test_casts_that_the_service_lacks_are_refused(engine: Engine, expression: str, words: str) -> None:
    """None of them is NULL in silence, whether the value is a constant or a column."""
    with pytest.raises(SqlError, match=words):
        engine.run(f"SELECT {expression} FROM t", {})


def test_a_strict_project_refuses_texts_that_are_no_numbers(engine: Engine) -> None:
    """With odps.function.strictmode the text is named, and numbers go on."""
    strict = {"odps.function.strictmode": "true"}
    assert only(engine.run("SELECT CAST(' 12 ' AS BIGINT)", strict)) == 12
    with pytest.raises(SqlError, match="value `123abc` cannot be casted to BIGINT"):
        engine.run("SELECT CAST('123abc' AS BIGINT)", strict)


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("INTERVAL_DAY_TIME('2 1:2:3')", "interval_day_time", {"sec": 176523, "nano": 0}),
        ("INTERVAL '-1 0:0:0.5' DAY TO SECOND", "interval_day_time", {"sec": -86401, "nano": 500_000_000}),
        ("INTERVAL '3' DAY", "interval_day_time", {"sec": 259200, "nano": 0}),
        ("INTERVAL_YEAR_MONTH('10-11')", "interval_year_month", 131),
        ("INTERVAL '2' YEAR", "interval_year_month", 24),
    ],
)
def test_intervals_have_their_types(engine: Engine, expression: str, kind: str, value: Any) -> None:
    """Functions and literals give the two types of the service, also to a table that is created from them."""
    engine.run(f"CREATE TABLE made AS SELECT {expression} AS x, d FROM t", {})
    found = engine.run("SELECT x FROM made", {})
    assert (str(found.columns[0].type), only(found)) == (kind, value)


def test_intervals_are_added_and_compared(engine: Engine) -> None:
    """Months keep the day of the month, and hours make days."""
    assert only(engine.run("SELECT d + INTERVAL '1' MONTH - INTERVAL_DAY_TIME('1 0:0:0') FROM t", {})) == (
        dt.datetime(2024, 1, 31, 19, 4, 5)  # noqa: DTZ001
    )
    assert only(engine.run("SELECT INTERVAL '24' HOUR = INTERVAL '1' DAY", {})) is True
    for wrong, words in [
        ("INTERVAL_DAY_TIME('x')", "'x' is no interval; it is written as 'days hours"),
        ("INTERVAL_YEAR_MONTH(s)", "not written as a constant"),
        ("INTERVAL '1' FORTNIGHT", "FORTNIGHT"),
        ("INTERVAL '1' DAY * 2", "a result that is computed from intervals"),
        ("CASE WHEN s IS NULL THEN INTERVAL '1' DAY END", "a result that is computed from intervals"),
        ("d + INTERVAL_DAY_TIME('0 0:0:0.000000001')", "below a microsecond"),
    ]:
        with pytest.raises(SqlError, match=words):
            engine.run(f"SELECT {wrong} FROM t", {})


def test_results_without_the_tunnel_are_by_the_clock(odps: ODPS, name: str) -> None:
    """The CSV of a result shows local times, as the texts of the service do."""
    odps.execute_sql(f"CREATE TABLE {name} (d DATETIME, ts TIMESTAMP)", hints={"odps.sql.type.system.odps2": "true"})
    hints = {**SHANGHAI, "odps.sql.type.system.odps2": "true"}
    odps.execute_sql(
        f"INSERT INTO {name} VALUES (DATETIME'2024-01-02 03:04:05', TIMESTAMP'2024-01-02 03:04:05')", hints=hints
    )
    instance = odps.execute_sql(f"SELECT * FROM {name}", hints=hints)
    text = instance.get_task_result(instance.get_task_names()[0])
    assert "2024-01-02 03:04:05" in text
    assert "2024-01-01 19:04:05" not in text
