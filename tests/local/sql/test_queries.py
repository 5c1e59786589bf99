"""SELECT and INSERT as PyODPS runs them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from odps import ODPS, errors, options

MakeTable = Callable[..., Any]


def select(odps: ODPS, text: str, **arguments: Any) -> list[list[Any]]:
    """Return the rows of a query."""
    with odps.execute_sql(text).open_reader(**arguments) as reader:
        return [record.values for record in reader]


@pytest.fixture
def filled(odps: ODPS, make_table: MakeTable, name: str) -> str:
    """Return a partitioned table with three rows."""
    make_table(("k bigint, v string", "ds string"))
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds) VALUES (1, 'a', 'x'), (2, NULL, 'x'), (3, 'it\\'s', 'y')")
    return name


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT * FROM {t} ORDER BY k", [[1, "a", "x"], [2, None, "x"], [3, "it's", "y"]]),
        ("SELECT COUNT(*), MIN(k), MAX(k), SUM(k) FROM {t} WHERE ds='x'", [[2, 1, 2, 3]]),
        ("SELECT ds, COUNT(v) c FROM {t} GROUP BY ds ORDER BY ds", [["x", 1], ["y", 1]]),
        ("SELECT t.k FROM {p}.default.{t} t JOIN {t} u ON t.k = u.k + 1 ORDER BY t.k", [[2], [3]]),
        ("WITH w AS (SELECT k FROM {t}) SELECT COUNT(DISTINCT k) FROM w", [[3]]),
        ("SELECT `v` FROM {t} WHERE v LIKE 'it%' LIMIT 1", [["it's"]]),
        ("SELECT CAST('7' AS BIGINT), NVL(NULL, 'z'), IF(1 > 2, 'a', 'b')", [[7, "z", "b"]]),
        ("SELECT GET_JSON_OBJECT('{{\"a\":{{\"b\":5}}}}', '$.a.b')", [["5"]]),
        ("SELECT k FROM {t} WHERE 1 = 2", []),
        ("SELECT 1.5, -0.1 + 0.2, 1.5BD, CAST(1.5 AS DECIMAL(3,1))", [[1.5, 0.1, Decimal("1.5"), Decimal("1.5")]]),
        (
            "SELECT HOUR('2026-11-22 10:00:00'), WEEKOFYEAR('2026-01-01'), LAST_DAY('2026-02-01')",
            [[10, 1, dt.date(2026, 2, 28)]],
        ),
    ],
)
def test_queries_answer_what_the_service_would(odps: ODPS, filled: str, query: str, rows: list[list[Any]]) -> None:
    """Queries see partition columns, aggregates, joins, and both spellings of a name."""
    assert select(odps, query.format(t=filled, p=odps.project)) == rows


def test_results_with_two_columns_of_one_name_are_readable(odps: ODPS, filled: str) -> None:
    """A join of everything gives the later of two columns with the same name a number: clients refuse two alike."""
    with odps.execute_sql(f"SELECT * FROM {filled} t JOIN {filled} u ON t.k = u.k WHERE t.k = 3").open_reader() as rows:
        (record,) = rows
    assert dict(record) == {"k": 3, "v": "it's", "ds": "y", "k2": 3, "v2": "it's", "ds2": "y"}


def test_json_stays_json(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """A JSON column of a result is read as what it says, as a table's is, and a table made of it has it."""
    make_table("k bigint, j json")
    odps.write_table(name, [[1, {"a": [1, None]}], [2, None]])
    assert select(odps, f"SELECT * FROM {name} ORDER BY k") == [[1, {"a": [1, None]}], [2, None]]
    assert select(odps, f"SELECT j FROM {name} WHERE k = 1") == [[{"a": [1, None]}]]
    assert select(odps, f"SELECT GET_JSON_OBJECT(j, '$.a[0]') FROM {name} ORDER BY k") == [["1"], [None]]
    odps.execute_sql(f"CREATE TABLE {name}_copy AS SELECT * FROM {name}")
    assert odps.get_table(f"{name}_copy").table_schema["j"].type.name.lower() == "json"
    assert [record[1] for record in odps.read_table(f"{name}_copy")] == [{"a": [1, None]}, None]


def test_bytes_that_are_no_text_are_readable_without_the_tunnel(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """In CSV, binaries are texts where they are one, and otherwise quoted-printable in one line."""
    make_table("b binary")
    odps.write_table(name, [[b"plain"], [b"a\xff=\n"], [None]])
    assert select(odps, f"SELECT b FROM {name}", tunnel=False) == [["plain"], ["a=FF=3D=0A"], [None]]


def test_results_are_csv_without_the_tunnel(odps: ODPS, filled: str) -> None:
    """The result of a query is readable as text too, NULL included."""
    rows = select(odps, f"SELECT k, v FROM {filled} ORDER BY k", tunnel=False)
    assert rows == [["1", "a"], ["2", None], ["3", "it's"]]


def test_results_are_readable_as_arrow(odps: ODPS, filled: str) -> None:
    """A query's rows come as Arrow batches through the instance tunnel, timestamps included."""
    query = f"SELECT k, CAST('2026-11-22 00:00:00' AS DATETIME) d, ds FROM {filled} ORDER BY k"
    with odps.execute_sql(query).open_reader(tunnel=True, arrow=True) as reader:
        assert reader.read_all().column("k").to_pylist() == [1, 2, 3]


def test_insert_overwrite_replaces_one_partition(odps: ODPS, filled: str) -> None:
    """INSERT OVERWRITE of a static partition exchanges that one only, even when it reads from itself."""
    odps.execute_sql(f"INSERT OVERWRITE TABLE {filled} PARTITION (ds='x') SELECT k, v FROM {filled} WHERE k = 2")
    assert select(odps, f"SELECT k, ds FROM {filled} ORDER BY k") == [[2, "x"], [3, "y"]]


def test_insert_names_columns_and_leaves_the_rest_null(odps: ODPS, filled: str) -> None:
    """Columns that an INSERT doesn't name are NULL."""
    odps.execute_sql(f"INSERT INTO {filled} PARTITION (ds='z') (v) VALUES ('only')")
    assert select(odps, f"SELECT k, v FROM {filled} WHERE ds = 'z'") == [[None, "only"]]


def test_create_table_as_takes_columns_from_the_query(odps: ODPS, filled: str) -> None:
    """CREATE TABLE AS makes the table and its rows at once."""
    odps.execute_sql(f"CREATE TABLE {filled}_copy LIFECYCLE 3 AS SELECT k, v FROM {filled}")
    assert odps.get_table(f"{filled}_copy").lifecycle == 3
    assert select(odps, f"SELECT COUNT(*) FROM {filled}_copy") == [[3]]


def test_a_failing_insert_changes_nothing(odps: ODPS, filled: str) -> None:
    """A value that cannot be cast, or a wrong number of columns, fails the statement whole."""
    for query in (f"SELECT 1 FROM {filled}", "SELECT 'no number', 'v'"):
        with pytest.raises(errors.ODPSError, match="ODPS-"):
            odps.execute_sql(f"INSERT OVERWRITE TABLE {filled} PARTITION (ds='x') {query}")
    assert select(odps, f"SELECT COUNT(*) FROM {filled}") == [[3]]


def at(*parts: int) -> dt.datetime:
    """Return a time as PyODPS gives it: without a zone."""
    return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - see above


MOMENT = "CAST('2026-11-22 10:11:12' AS DATETIME)"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("TO_DATE('2026-11-22 10:11:12', 'yyyy-mm-dd hh:mi:ss')", at(2026, 11, 22, 10, 11, 12)),
        ("TO_DATE('20261122', 'yyyymmdd')", at(2026, 11, 22)),
        ("TO_DATE('2026-11-22')", dt.date(2026, 11, 22)),
        (f"TO_CHAR({MOMENT}, 'yyyymmdd')", "20261122"),
        (f"TO_CHAR({MOMENT}, 'YYYY-mm-dd HH:mi:ss.ff3')", "2026-11-22 10:11:12.000"),
        (f"TO_CHAR({MOMENT}, 'yyyy-MM-dd HH:mm:ss')", "2026-11-22 10:11:12"),
        ("TO_CHAR(5)", "5"),
        (f"DATEADD({MOMENT}, -1, 'dd')", at(2026, 11, 21, 10, 11, 12)),
        ("DATEADD('2026-03-31 00:00:00', -1, 'mm')", at(2026, 2, 28)),
        (f"DATEADD({MOMENT}, 1, 'yyyy')", at(2027, 11, 22, 10, 11, 12)),
        (f"DATEADD({MOMENT}, 50, 'mi')", at(2026, 11, 22, 11, 1, 12)),
        (f"DATEDIFF({MOMENT}, '2026-11-21 23:59:59', 'dd')", 1),
        (f"DATEDIFF({MOMENT}, '2026-11-21 23:59:59', 'hh')", 11),
        ("DATEDIFF('2026-11-20', '2026-11-23')", -3),
        (f"DATETRUNC({MOMENT}, 'mm')", at(2026, 11, 1)),
        (f"DATETRUNC({MOMENT}, 'hh')", at(2026, 11, 22, 10)),
        (f"DATEPART({MOMENT}, 'mi')", 11),
        (f"LASTDAY({MOMENT})", at(2026, 11, 30)),
        (f"WEEKDAY({MOMENT})", 6),
        ("FROM_UNIXTIME(86399)", at(1970, 1, 1, 23, 59, 59)),
        ("FROM_UNIXTIME(86400, 'yyyy-MM-dd')", "1970-01-02"),
        ("UNIX_TIMESTAMP('1969-12-31 23:59:59')", -1),
        ("UNIX_TIMESTAMP() > 1700000000", True),
        ("TO_MILLIS(CAST('1970-01-02 00:00:00' AS DATETIME))", 86_400_000),
        ("ISDATE('2026-11-31', 'yyyy-mm-dd')", False),
        ("GETDATE() > CAST('2020-01-01 00:00:00' AS DATETIME)", True),
        ("CURRENT_TIMESTAMP() > CAST('2020-01-01 00:00:00' AS TIMESTAMP)", True),
        ('GET_JSON_OBJECT(\'[{"a": [1, {"b": "x"}]}]\', \'$[0].a[1].b\')', "x"),
        ("GET_JSON_OBJECT('{\"a\": 1}', '$.b')", None),
        ("GET_JSON_OBJECT('not JSON', '$.a')", None),
        # One inside the other, as everybody writes them.
        (f"TO_CHAR(DATEADD(DATEADD({MOMENT}, -1, 'dd'), 1, 'mm'), 'yyyymm')", "202612"),
        ("DATEDIFF(TO_DATE('20261122', 'yyyymmdd'), TO_DATE('20261120', 'yyyymmdd'), 'dd')", 2),
        ("UNIX_TIMESTAMP(GETDATE()) > 1700000000", True),
        ("GET_JSON_OBJECT(GET_JSON_OBJECT('{\"a\":{\"b\":1}}', '$.a'), '$.b')", "1"),
        (f"TO_CHAR({MOMENT}, CONCAT('yyyy-mm-dd', ' hh:mi:ss'))", "2026-11-22 10:11:12"),
        ("CONCAT_WS(',', 'a', NULL, 'b')", "a,b"),
        ("SPLIT_PART('a,b,c', ',', 2)", "b"),
        ("SUBSTRING_INDEX('a.b.c', '.', 2)", "a.b"),
        ("SUBSTRING_INDEX('a.b.c', '.', -2)", "b.c"),
        ("FIND_IN_SET('b', 'a,b')", 2),
        ("FIND_IN_SET('c', 'a,b')", 0),
        ("LENGTHB('ä')", 2),
        ("TOLOWER('A')", "a"),
        ("TRUNC(1.279, 2)", 1.27),
        ("CEIL(1.5)", 2),
        ("FLOOR(-1.5)", -2),
        ("ISNULL(NULL)", True),
    ],
)
def test_functions_answer_what_the_service_documents(odps: ODPS, call: str, value: Any) -> None:
    """Functions for times and JSON have the service's formats, units and results."""
    assert select(odps, f"SELECT {call}", tunnel=True) == [[value]]


def test_the_latest_partition_is_the_greatest_with_rows(odps: ODPS, filled: str) -> None:
    """MAX_PT passes over a partition that is empty."""
    odps.execute_sql(f"ALTER TABLE {filled} ADD PARTITION (ds='z')")
    assert select(odps, f"SELECT k FROM {filled} WHERE ds = MAX_PT('{odps.project}.default.{filled}')") == [[3]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("DATEADD(GETDATE(), 1, 'moon')", "'moon' is not a unit of time"),
        ("DATETRUNC(GETDATE())", "DATETRUNC is called with 1 arguments"),
        ("TO_CHAR(GETDATE(), v)", "a format must be a quoted text here, not v"),
        ("MAX_PT('{t}_empty')", "has no partition with rows"),
        ("MAX_PT()", "MAX_PT is called with 0 arguments"),
    ],
)
def test_a_function_that_is_called_wrongly_says_how(odps: ODPS, filled: str, call: str, message: str) -> None:
    """A wrong unit, format or number of arguments is a semantic error that shows it."""
    odps.create_table(f"{filled}_empty", ("k bigint", "ds string"))
    with pytest.raises(errors.ODPSError, match=message) as caught:
        odps.execute_sql(f"SELECT {call.format(t=filled)} FROM {filled}")
    assert caught.value.code == "ODPS-0130071"


@pytest.fixture
def _antique() -> Iterator[None]:
    options.allow_antique_date = True
    yield
    options.allow_antique_date = False


@pytest.mark.usefixtures("_antique")
def test_antique_times_come_back_both_ways(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """Days of every era, CHARs with their blanks, and decimals are read as they were written."""
    table = make_table("d date, t datetime, s timestamp, c char(5), m decimal, n decimal(20,5)")
    days = [dt.date(1, 1, 1), dt.date(1582, 10, 10), dt.date(1900, 2, 28), dt.date(1969, 12, 31)]
    rows = [
        [d, at(d.year, d.month, d.day, 23, 59, 59, 999_000), None, "ab   ", Decimal("-1.25"), Decimal("1E+3")]
        for d in days
    ]
    odps.write_table(name, rows)
    with table.open_reader() as reader:
        assert [record.values for record in reader] == rows
    assert select(odps, f"SELECT * FROM {name}", tunnel=True) == rows
    with table.open_reader(arrow=True) as reader:
        arrow = reader.read_all()
    assert (arrow["d"].to_pylist(), arrow["t"].to_pylist()) == (days, [row[1] for row in rows])
    texts = select(odps, f"SELECT CAST(d AS STRING), c = 'ab' FROM {name}", tunnel=True)
    assert texts == [[str(day), True] for day in days]
