"""SELECT and INSERT as PyODPS runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from odps import ODPS, errors

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
        ("SELECT t.k FROM {p}.{t} t JOIN {t} u ON t.k = u.k + 1 ORDER BY t.k", [[2], [3]]),
        ("WITH w AS (SELECT k FROM {t}) SELECT COUNT(DISTINCT k) FROM w", [[3]]),
        ("SELECT `v` FROM {t} WHERE v LIKE 'it%' LIMIT 1", [["it's"]]),
        ("SELECT CAST('7' AS BIGINT), NVL(NULL, 'z'), IF(1 > 2, 'a', 'b')", [[7, "z", "b"]]),
        ("SELECT GET_JSON_OBJECT('{{\"a\":{{\"b\":5}}}}', '$.a.b')", [["5"]]),
        ("SELECT k FROM {t} WHERE 1 = 2", []),
    ],
)
def test_queries_answer_what_the_service_would(odps: ODPS, filled: str, query: str, rows: list[list[Any]]) -> None:
    """Queries see partition columns, aggregates, joins, and both spellings of a name."""
    assert select(odps, query.format(t=filled, p=odps.project)) == rows


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
