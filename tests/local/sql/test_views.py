"""Views: what reads them sees their tables as they are now."""

from __future__ import annotations

from typing import Any

import pytest
from odps import ODPS, errors
from odps.models import Table
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.catalog.manifest import dump_catalog, load_catalog
from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.engine import Engine


@pytest.fixture
def engine() -> Engine:
    """Return an engine with one table of two rows."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run("CREATE TABLE t (a BIGINT, b STRING COMMENT 'bee', c CHAR(4))", {})
    engine.run("INSERT INTO t VALUES (1, 'x', 'q'), (2, 'y', 'r')", {})
    return engine


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    found = engine.run(query, {}).rows
    assert found is not None
    return [tuple(row.values()) for row in found.to_pylist()]


def test_a_view_shows_the_rows_of_now(engine: Engine) -> None:
    """A row that comes after the view was made is seen through it."""
    engine.run("CREATE VIEW v AS SELECT a, b FROM t WHERE a > 1", {})
    engine.run("INSERT INTO t VALUES (3, 'z', 's')", {})
    assert rows(engine, "SELECT * FROM v ORDER BY a") == [(2, "y"), (3, "z")]


def test_columns_take_the_names_that_the_view_gives(engine: Engine) -> None:
    """A list of names counts, and must be as long as the query is wide."""
    engine.run("CREATE VIEW v (k COMMENT 'key', `of all`) COMMENT 'two' AS (SELECT a, upper(b) FROM t)", {})
    assert rows(engine, "SELECT `of all`, k FROM v AS w WHERE w.k = 2") == [("Y", 2)]
    assert "key" in engine.run("DESC v", {}).text
    with pytest.raises(SqlError, match="names 1 columns, but its query has 2"):
        engine.run("CREATE VIEW w (k) AS SELECT a, b FROM t", {})
    with pytest.raises(SqlError, match="k is defined twice"):
        engine.run("CREATE VIEW w (k, k) AS SELECT a, b FROM t", {})


def test_views_stand_on_views_and_beside_tables(engine: Engine) -> None:
    """A view of a view is read; joins, common tables and aliases of the same name do not disturb it."""
    engine.run("CREATE VIEW v AS SELECT a, c FROM t; CREATE VIEW w AS SELECT a AS k, c FROM v", {})
    query = "WITH t AS (SELECT 2 AS a) SELECT w.k, v.a FROM w JOIN v ON w.k = v.a JOIN t ON t.a = v.a"
    assert rows(engine, query) == [(2, 2)]


def test_a_view_keeps_its_columns_when_its_table_gets_one(engine: Engine) -> None:
    """SELECT * in a view is what it was when the view was made."""
    engine.run("CREATE VIEW v AS SELECT * FROM t; ALTER TABLE t ADD COLUMNS (d BIGINT)", {})
    assert rows(engine, "SELECT * FROM v WHERE a = 1") == [(1, "x", "q   ")]


def test_a_view_without_its_table_says_what_is_missing(engine: Engine) -> None:
    """The view stays when its table goes; reading it names the table."""
    engine.run("CREATE VIEW v AS SELECT * FROM t; DROP TABLE t", {})
    with pytest.raises(SqlError, match=r"table p1\.t cannot be resolved"):
        engine.run("SELECT * FROM v", {})
    engine.run("DROP VIEW v", {})


def test_no_view_reads_itself(engine: Engine) -> None:
    """CREATE OR REPLACE that would close a circle is refused, and the view stays as it was."""
    engine.run("CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v", {})
    with pytest.raises(SqlError, match="or a view reads itself"):
        engine.run("CREATE OR REPLACE VIEW v AS SELECT a FROM w", {})
    assert rows(engine, "SELECT COUNT(*) FROM w") == [(2,)]


def test_names_taken_and_kinds_mistaken_are_refused(engine: Engine) -> None:
    """A view is no table for statements that need rows, and a table is no view."""
    engine.run("CREATE VIEW v AS SELECT a FROM t; CREATE VIEW IF NOT EXISTS v AS SELECT b FROM t", {})
    for statement, words in [
        ("CREATE VIEW v AS SELECT 1", "View p1.v already exists"),
        ("CREATE OR REPLACE VIEW t AS SELECT 1", "Table p1.t already exists"),
        ("CREATE TABLE v (a BIGINT)", "Table p1.v already exists"),
        ("DROP VIEW t", "is a table and no view"),
        ("DROP TABLE v", "p1.v is a view: DROP TABLE needs a table"),
        ("INSERT INTO v SELECT 1", "p1.v is a view: INSERT needs a table"),
        ("TRUNCATE TABLE v", "p1.v is a view: TRUNCATE needs a table"),
        ("ALTER TABLE v ADD COLUMNS (z BIGINT)", "p1.v is a view: ALTER TABLE needs a table"),
        ("ALTER VIEW v RENAME TO t", "Table p1.t already exists"),
        ("ALTER VIEW v AS SELECT 2", "CREATE OR REPLACE VIEW gives it another query"),
        ("CREATE VIEW w AS SELECT nothing FROM t", "nothing"),
        ("CREATE MATERIALIZED VIEW w AS SELECT 1", "CREATE MATERIALIZED is not part of this endpoint"),
    ]:
        with pytest.raises(SqlError, match=words):
            engine.run(statement, {})
    assert rows(engine, "SELECT * FROM v ORDER BY a") == [(1,), (2,)]


def test_a_view_is_renamed_shown_and_dropped(engine: Engine) -> None:
    """SHOW VIEWS lists views alone; SHOW CREATE TABLE gives a statement that makes the same view."""
    engine.run("CREATE VIEW v COMMENT 'it\\'s' AS SELECT a FROM t; ALTER VIEW v RENAME TO w", {})
    assert engine.run("SHOW VIEWS", {}).text == "me:w"
    assert engine.run("SHOW TABLES", {}).text == "me:t\nme:w"
    made = engine.run("SHOW CREATE TABLE w", {}).text
    engine.run("DROP VIEW w; DROP VIEW IF EXISTS w", {})
    engine.run(made, {})
    assert engine.run("SHOW CREATE TABLE w", {}).text == made


def test_a_view_outlives_the_process() -> None:
    """It is read back with its query, and with what names meant when it was made."""
    store = open_store("p1", None, lambda: 100)
    engine = Engine(store, lambda: 200_000, "me")
    engine.run("CREATE SCHEMA s; CREATE TABLE s.t (a BIGINT); CREATE TABLE t (a STRING)", {})
    engine.run("SET odps.default.schema=s; CREATE VIEW v AS SELECT a FROM t", {})
    assert load_catalog(dump_catalog(store.catalog)).tables == store.catalog.tables
    assert str(engine.run("SELECT * FROM s.v", {}).columns[0].type) == "bigint"


def test_clients_see_what_is_a_view(odps: ODPS, name: str) -> None:
    """PyODPS calls it a view, shows its query, and can tell it from tables in a list."""
    odps.execute_sql(f"CREATE TABLE {name} (a BIGINT)")
    odps.execute_sql(f"CREATE VIEW {name}_v AS SELECT a FROM {name}")
    view = odps.get_table(f"{name}_v")
    assert (view.type, view.is_virtual_view, view.view_text) == (
        Table.Type.VIRTUAL_VIEW,
        True,
        f"SELECT a FROM {name}",
    )
    assert [t.name for t in odps.list_tables(prefix=name, type="virtual_view")] == [f"{name}_v"]
    assert [t.name for t in odps.list_tables(prefix=name, type="managed_table")] == [name]
    odps.delete_view(f"{name}_v")
    assert not odps.exist_table(f"{name}_v")


def test_a_tunnel_carries_no_view(odps: ODPS, name: str) -> None:
    """Uploads, downloads and previews of a view fail, and say that it is one; none is silently empty."""
    odps.execute_sql(f"CREATE TABLE {name} (a BIGINT)")
    odps.execute_sql(f"CREATE VIEW {name}_v AS SELECT a FROM {name}")
    tunnel = TableTunnel(odps)
    view = odps.get_table(f"{name}_v")
    with pytest.raises(errors.ODPSError, match="VIRTUAL_VIEW"):
        tunnel.create_upload_session(view.name)
    with pytest.raises(errors.ODPSError, match="VIRTUAL_VIEW"):
        tunnel.create_download_session(view.name)
    with pytest.raises(errors.ODPSError, match="VIRTUAL_VIEW"):
        view.head(1)


def test_a_common_table_hides_no_other_one(engine: Engine) -> None:
    """WITH t AS (… FROM t) reads the table; names inside of the endpoint are none that a query could take."""
    engine.run("CREATE TABLE hid (k BIGINT); INSERT INTO hid VALUES (1), (2)", {})
    assert rows(engine, "WITH hid AS (SELECT * FROM hid WHERE k = 1) SELECT COUNT(*) FROM hid") == [(1,)]
    assert rows(engine, "WITH a AS (SELECT * FROM hid), hid AS (SELECT 9 AS k) SELECT SUM(k) FROM a") == [(3,)]
    assert rows(engine, "WITH _t0 AS (SELECT 9 AS k) SELECT SUM(hid.k) FROM _t0 JOIN hid ON true") == [(3,)]


def test_a_star_means_what_it_meant_when_the_view_was_made(engine: Engine) -> None:
    """A table that gets a column, or other places for them, moves no value of a view to another name."""
    engine.run("CREATE TABLE u (a BIGINT, z STRING); INSERT INTO u VALUES (1, 'zed')", {})
    engine.run("CREATE VIEW v AS SELECT * FROM t; CREATE VIEW j AS SELECT t.*, u.z FROM t JOIN u ON t.a = u.a", {})
    engine.run("CREATE VIEW w AS SELECT v.*, u.* FROM v, u WHERE v.a = u.a", {})
    engine.run("CREATE VIEW q AS SELECT * FROM (SELECT * FROM t) s", {})
    before = [rows(engine, f"SELECT * FROM {view} ORDER BY 1") for view in "vjwq"]
    engine.run("ALTER TABLE t ADD COLUMNS (extra BIGINT); ALTER TABLE t CHANGE COLUMN b b STRING FIRST", {})
    engine.run("CREATE OR REPLACE VIEW v AS SELECT c, b, a, extra FROM t", {})
    after = [rows(engine, f"SELECT * FROM {view} ORDER BY 1") for view in "jwq"]
    assert after == before[1:]
    assert rows(engine, "SELECT * FROM t ORDER BY a")[0] == ("x", 1, "q   ", None)


def test_a_view_of_a_column_that_is_gone_fails_by_its_name(engine: Engine) -> None:
    """It does not show another column in its place."""
    engine.run("CREATE VIEW v AS SELECT * FROM t; ALTER TABLE t RENAME COLUMN b TO d", {})
    with pytest.raises(SqlError, match='"b" not found'):
        engine.run("SELECT a FROM v", {})


def test_views_that_double_end_with_a_reason(engine: Engine) -> None:
    """Each view that reads the one below twice doubles the work: that is refused before it takes for ever."""
    engine.run("CREATE VIEW v0 AS SELECT a FROM t", {})
    one = "CREATE VIEW v{0} AS SELECT x.a FROM v{1} x JOIN v{1} y ON x.a = y.a"
    script = "; ".join(one.format(at + 1, at) for at in range(30))
    with pytest.raises(SqlError, match="reads views and variables more than 256 times"):
        engine.run(script, {})


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT {'(' * 3000}1{')' * 3000}",
        f"SELECT {'array(' * 3000}1{')' * 3000}",
        f"DELETE FROM t WHERE {'(' * 3000}1{')' * 3000}",
        f"{'EXPLAIN ' * 3000}SELECT 1",
        f"CREATE TABLE deep (a {'ARRAY<' * 3000}BIGINT{'>' * 3000})",
    ],
)
def test_what_is_nested_too_deeply_is_refused(engine: Engine, statement: str) -> None:
    """The reader's limit is the statement's fault, and no internal error."""
    with pytest.raises(SqlError, match=r"ODPS-0130071.*(nested too deeply|more than 32 levels)"):
        engine.run(statement, {})
    with pytest.raises(SqlError):
        engine.cost(statement, {})


def test_a_view_is_not_renamed_to_another_schema(engine: Engine) -> None:
    """What stands before the new name is not ignored; tables do the same."""
    engine.run("CREATE VIEW v AS SELECT a FROM t; CREATE SCHEMA other", {})
    for kind, name in [("VIEW", "v"), ("TABLE", "t")]:
        with pytest.raises(SqlError, match="moving p1"):
            engine.run(f"ALTER {kind} {name} RENAME TO other.{name}2", {})
    engine.run("ALTER VIEW v RENAME TO default.v2; ALTER TABLE t RENAME TO p1.default.t2", {})


def test_what_stands_behind_a_view_counts(engine: Engine) -> None:
    """A pivot and a sample of a view are those of its rows, as of a table."""
    engine.run("CREATE VIEW v AS SELECT a, b FROM t", {})
    pivot = "PIVOT (max(a) FOR b IN ('x', 'y'))"
    assert rows(engine, f"SELECT * FROM v {pivot}") == [(1, 2)]
    assert rows(engine, "SELECT * FROM v TABLESAMPLE (0 PERCENT)") == []
