"""Scripts: variables that stand for queries, and EXPLAIN."""

from __future__ import annotations

import pytest
from odps import ODPS

from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.engine import Engine


@pytest.fixture
def engine() -> Engine:
    """Return an engine with a table of two rows."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run("CREATE TABLE t (k BIGINT, v STRING); INSERT INTO t VALUES (1, 'a'), (2, 'b')", {})
    return engine


def test_a_variable_stands_for_its_query(engine: Engine) -> None:
    """Later statements of the script read it, also by another variable, and write what it returns."""
    script = (
        "@x := SELECT k FROM t WHERE k > 1; @Y := SELECT x.k * 10 AS k FROM @x x; "
        "INSERT INTO t SELECT k, 'y' FROM @y; SELECT a.k FROM @y AS a JOIN t ON t.k = a.k"
    )
    found = engine.run(script, {}).rows
    assert found is not None
    assert found.to_pylist() == [{"k": 20}]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("SELECT * FROM @x", "variable @x cannot be resolved"),
        ("@x := SELECT nothing FROM t", "nothing"),
        ("@x := SELECT 1 AS k; @x := SELECT 2 AS k", "@x is set twice"),
        ("@x BIGINT := 1", "no scalar of a type"),
        ("@x := 1", "no scalar or cache"),
        ("@x := CACHE ON SELECT 1", "no scalar or cache"),
        ("CREATE VIEW v AS SELECT * FROM @x", "variable @x cannot be resolved"),
    ],
)
def test_a_variable_that_is_no_query_is_refused(engine: Engine, script: str, words: str) -> None:
    """Each refusal names the variable or the form that this endpoint lacks."""
    with pytest.raises(SqlError, match=words):
        engine.run(script, {})


def test_a_variable_ends_with_its_script(engine: Engine) -> None:
    """The next script does not know it."""
    engine.run("@x := SELECT 1 AS k; SELECT * FROM @x", {})
    with pytest.raises(SqlError, match="cannot be resolved"):
        engine.run("SELECT * FROM @x", {})


def test_explain_shows_tables_and_results_and_runs_nothing(engine: Engine) -> None:
    """The plan has the service's shape, and no row is written."""
    engine.run("CREATE VIEW w AS SELECT k FROM t", {})
    plan = engine.run("EXPLAIN INSERT INTO t SELECT k, 'c' FROM w", {}).text
    assert plan.startswith("job0 is root job\n\nIn Job job0:\nroot Tasks: M1\n")
    assert "TS: p1.t" in plan
    assert "FS: output: p1.t" in plan
    assert "k (bigint)" in engine.run("EXPLAIN SELECT k FROM w", {}).text
    assert "FS: output: Screen" in engine.run("EXPLAIN SELECT k FROM w", {}).text
    found = engine.run("SELECT COUNT(*) AS n FROM t", {}).rows
    assert found is not None
    assert found.to_pylist() == [{"n": 2}]
    with pytest.raises(SqlError, match="cannot be resolved"):
        engine.run("EXPLAIN SELECT * FROM nowhere", {})


def test_clients_read_a_plan_and_run_a_script(odps: ODPS, name: str) -> None:
    """PyODPS gets the plan as the text of the instance, and the rows of a script's last query."""
    odps.execute_sql(f"CREATE TABLE {name} (k BIGINT) TBLPROPERTIES ('transactional'='true')")
    assert "root Tasks" in odps.execute_sql(f"EXPLAIN DELETE FROM {name} WHERE k = 1").get_task_result(
        "AnonymousSQLTask"
    )
    with odps.execute_sql(f"@x := SELECT COUNT(*) AS n FROM {name}; SELECT n + 1 AS n FROM @x;").open_reader() as rows:
        assert [row["n"] for row in rows] == [1]
