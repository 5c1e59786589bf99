"""UPDATE, DELETE and MERGE INTO: rows of transactional tables change all at once, and the others stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odps import ODPS

from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.catalog.store import Store, open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.engine import Engine

_ACID = 'TBLPROPERTIES ("transactional"="true")'


@pytest.fixture
def store() -> Store:
    """Return an empty store in memory."""
    return open_store("p1", None, lambda: 100)


@pytest.fixture
def engine(store: Store) -> Engine:
    """Return an engine with a table of three rows, one partition each for x and y."""
    engine = Engine(store, lambda: 200_000, "me")
    engine.run(f"CREATE TABLE t (k BIGINT, v STRING, n BIGINT NOT NULL) PARTITIONED BY (ds STRING) {_ACID}", {})
    engine.run("INSERT INTO t PARTITION (ds='x') VALUES (1, 'a', 1), (2, 'b', 2)", {})
    engine.run("INSERT INTO t PARTITION (ds='y') VALUES (3, 'c', 3)", {})
    return engine


def rows(engine: Engine, query: str = "SELECT * FROM t ORDER BY k") -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    found = engine.run(query, {}).rows
    assert found is not None
    return [tuple(row.values()) for row in found.to_pylist()]


def test_update_sets_columns_of_the_rows_that_are_meant(engine: Engine) -> None:
    """Expressions see the old row; rows that the condition does not meet stay, and so does their order."""
    outcome = engine.run("UPDATE t AS d SET d.v = concat(v, k), n = n + 10 WHERE d.ds = 'x' AND k >= 2", {})
    assert outcome.written == (TableName("p1", "default", "t"), 1)
    assert rows(engine) == [(1, "a", 1, "x"), (2, "b2", 12, "x"), (3, "c", 3, "y")]


def test_update_takes_values_from_another_table(engine: Engine) -> None:
    """UPDATE … FROM joins; a row that two rows of the other table meet is refused."""
    engine.run("CREATE TABLE s (k BIGINT, v STRING); INSERT INTO s VALUES (1, 'new'), (9, 'none')", {})
    engine.run("UPDATE t SET v = s.v FROM s WHERE t.k = s.k", {})
    assert rows(engine, "SELECT v FROM t ORDER BY k") == [("new",), ("b",), ("c",)]
    engine.run("INSERT INTO s VALUES (1, 'newer')", {})
    with pytest.raises(SqlError, match=r"meets a row of p1\.t more than once"):
        engine.run("UPDATE t SET v = s.v FROM s WHERE t.k = s.k", {})


def test_delete_removes_rows_and_keeps_untouched_files(engine: Engine, store: Store) -> None:
    """The partition that no row is deleted from keeps its very files; one that gets empty stays a partition."""
    before = store.catalog.tables[TableName("p1", "default", "t")].partitions
    assert engine.run("DELETE FROM t WHERE k IN (SELECT k FROM t WHERE v < 'c')", {}).written == (
        TableName("p1", "default", "t"),
        2,
    )
    after = store.catalog.tables[TableName("p1", "default", "t")].partitions
    assert after[(("ds", "y"),)] == before[(("ds", "y"),)]
    assert after[(("ds", "x"),)].blobs == ()
    assert rows(engine) == [(3, "c", 3, "y")]
    engine.run("DELETE FROM t", {})
    assert rows(engine) == []


def test_merge_updates_deletes_and_inserts_at_once(engine: Engine) -> None:
    """The first clause whose condition holds counts; what matches nothing is inserted into its partition."""
    engine.run("CREATE TABLE s (k BIGINT, v STRING, op STRING)", {})
    engine.run("INSERT INTO s VALUES (1, 'A', 'u'), (2, 'B', 'd'), (3, 'C', 'skip'), (7, 'G', 'i'), (8, 'H', 'no')", {})
    outcome = engine.run(
        "MERGE INTO default.t AS d USING default.s AS s ON (s.k = d.k) "
        "WHEN MATCHED AND s.op = 'u' THEN UPDATE SET d.v = s.v, d.n = d.n * 100 "
        "WHEN MATCHED AND s.op = 'd' THEN DELETE "
        "WHEN NOT MATCHED AND s.op = 'i' THEN INSERT (`k`, `ds`, `n`, `v`) VALUES (s.k, 'z', s.k, s.v)",
        {},
    )
    assert outcome.written is not None
    assert outcome.written[1] == 3
    assert rows(engine) == [(1, "A", 100, "x"), (3, "c", 3, "y"), (7, "G", 7, "z")]


def test_merge_reads_queries_views_and_itself(engine: Engine) -> None:
    """USING takes a query; INSERT without names takes all columns in their order, partitions last."""
    engine.run("CREATE VIEW w AS SELECT k + 10 AS k, ds FROM t", {})
    engine.run(
        "MERGE INTO t USING (SELECT * FROM w WHERE k < 13) AS q ON t.k = q.k WHEN NOT MATCHED THEN "
        "INSERT VALUES (q.k, 'w', 0, q.ds)",
        {},
    )
    assert rows(engine, "SELECT k, v, ds FROM t WHERE k > 9 ORDER BY k") == [(11, "w", "x"), (12, "w", "x")]


def test_a_row_that_two_source_rows_meet_is_refused(engine: Engine) -> None:
    """MERGE does not choose one of two values; nothing of it is kept."""
    with pytest.raises(SqlError, match=r"MERGE meets a row of p1\.t more than once"):
        engine.run(
            "MERGE INTO t USING (SELECT 1 AS k UNION ALL SELECT 1 AS k) s ON t.k = s.k WHEN MATCHED THEN DELETE", {}
        )
    assert len(rows(engine)) == 3


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE plain SET k = 1", "needs a transactional table, and p1.plain is none"),
        ("DELETE FROM plain", "TBLPROPERTIES"),
        ("MERGE INTO plain USING t ON t.k = plain.k WHEN MATCHED THEN DELETE", "MERGE needs a transactional"),
        ("UPDATE t SET ds = 'z'", "a new value for ds, which partitions p1.t"),
        ("UPDATE t SET q = 1", "column q cannot be resolved in p1.t"),
        ("UPDATE t SET v = 'a', v = 'b'", "column v is set twice"),
        ("UPDATE t SET n = NULL WHERE k = 1", "column n of p1.t is NOT NULL"),
        ("UPDATE nowhere SET a = 1", "table p1.nowhere cannot be resolved"),
        ("UPDATE t SET n = 'many' WHERE k = 1", "many"),
        ("MERGE INTO t USING t s ON t.k = s.k + 9 WHEN NOT MATCHED THEN INSERT (k, n) VALUES (1, 2)", "partitions p1"),
        ("MERGE INTO t USING t s ON t.k = s.k + 9 WHEN NOT MATCHED THEN INSERT (k, n) VALUES (1)", "1 values into 2"),
        ("MERGE INTO t USING t s ON t.k = s.k WHEN MATCHED THEN INSERT VALUES (1)", "is not part of this endpoint"),
        ("DELETE t WHERE k = 1", "DELETE with TABLES"),
        ("DELETE FROM t LIMIT 1", "DELETE with LIMIT is not part"),
        ("DELETE FROM t ORDER BY k LIMIT 1", "DELETE with ORDER, LIMIT"),
        ("DELETE FROM t RETURNING k", "DELETE with RETURNING"),
        ("DELETE t FROM t", "DELETE with TABLES"),
        ("DELETE FROM t, plain", "Invalid expression|JOINS|TABLES"),
        ("DELETE FROM t USING plain WHERE t.k = plain.k", "DELETE with USING"),
        ("UPDATE t SET n = 1 LIMIT 1", "UPDATE with LIMIT"),
        ("UPDATE t, plain SET n = 1", "UPDATE with JOINS"),
        ("UPDATE t JOIN plain ON t.k = plain.k SET n = 1", "UPDATE with JOINS"),
        ("UPDATE t SET n = 1 RETURNING k", "UPDATE with RETURNING"),
        ("UPDATE t", "expected UPDATE t SET"),
        ("UPDATE t SET other.n = 1", "SET other.n: only columns of the target"),
        ("UPDATE t SET default.t.n = 1", "only columns of the target"),
        (
            "MERGE INTO t USING t s ON t.k = s.k WHEN MATCHED THEN UPDATE SET s.n = 1",
            "SET s.n: only columns of the target",
        ),
        (
            "MERGE INTO t USING t s ON t.k = -s.k WHEN NOT MATCHED THEN INSERT (k, k, n, ds) VALUES (1, 2, 3, 'x')",
            "column k",
        ),
        ("INSERT INTO t PARTITION (ds='x') (k, n, k) SELECT 1, 2, 3", "two values are inserted into column k"),
    ],
)
def test_what_cannot_be_done_changes_nothing(engine: Engine, statement: str, words: str) -> None:
    """Each refusal says what it is about, and the table is as it was."""
    engine.run("CREATE TABLE plain (k BIGINT)", {})
    before = rows(engine)
    with pytest.raises(SqlError, match=words):
        engine.run(statement, {})
    assert rows(engine) == before


def test_values_of_every_type_stay_as_they_are() -> None:
    """An UPDATE of one column leaves CHAR, JSON, far times, decimals and nested values of its row alone."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run(
        f"CREATE TABLE t (k BIGINT, c CHAR(5), j JSON, far TIMESTAMP, d DECIMAL(38,18), a ARRAY<STRUCT<x:BIGINT>>, "
        f"m MAP<STRING,BIGINT>, b BINARY) {_ACID}",
        {},
    )
    engine.run(
        "INSERT INTO t SELECT k, 'ab', JSON '{\"a\": 1}', CAST('0001-01-01 00:00:00' AS TIMESTAMP), "
        "CAST('12345678901234567890.123456789012345678' AS DECIMAL(38,18)), array(named_struct('x', k)), "
        "map('q', k), CAST('z' AS BINARY) FROM (SELECT 1 AS k UNION ALL SELECT 2 AS k) s",
        {},
    )
    before = rows(engine)
    engine.run("UPDATE t SET k = k + 10 WHERE k = 2", {})
    after = rows(engine)
    assert [row[1:] for row in after] == [row[1:] for row in before]
    assert [row[0] for row in after] == [1, 12]


@given(
    old=st.lists(st.integers(0, 9), max_size=12),
    new=st.lists(st.integers(0, 12), max_size=8, unique=True),
    seed=st.integers(0, 2),
)
def test_merge_does_what_a_dictionary_does(old: list[int], new: list[int], seed: int) -> None:
    """Rows whose key is in the source are updated or deleted by its parity, keys that nobody has are inserted."""
    engine = Engine(open_store("p1", None, lambda: 100), lambda: 200_000, "me")
    engine.run(f"CREATE TABLE t (k BIGINT, v BIGINT) PARTITIONED BY (p BIGINT) {_ACID}; CREATE TABLE s (k BIGINT)", {})
    for at, key in enumerate(old):
        engine.run(f"INSERT INTO t PARTITION (p={at % (seed + 1)}) VALUES ({key}, {at})", {})
    if new:
        engine.run(f"INSERT INTO s VALUES {', '.join(f'({key})' for key in new)}", {})
    engine.run(
        "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED AND s.k % 2 = 0 THEN DELETE "
        "WHEN MATCHED THEN UPDATE SET v = -1 WHEN NOT MATCHED THEN INSERT VALUES (s.k, -2, 99)",
        {},
    )
    kept = [(key, -1 if key in new else at, at % (seed + 1)) for at, key in enumerate(old) if key % 2 or key not in new]
    came = [(key, -2, 99) for key in new if key not in old]
    assert sorted(rows(engine, "SELECT k, v, p FROM t")) == sorted(kept + came)


def test_rows_that_come_while_a_statement_runs_are_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An INSERT between reading and writing is not lost; another DELETE of the same rows is a conflict."""
    from airflow_provider_kafka_odps.local.sql.writing import change_rows

    write = change_rows._write
    meanwhile = ["INSERT INTO t PARTITION (ds='x') VALUES (5, 'e', 5)"]

    def interrupted(*arguments: Any) -> None:
        write(*arguments)
        while meanwhile:
            engine.run(meanwhile.pop(), {})

    monkeypatch.setattr(change_rows, "_write", interrupted)
    engine.run("DELETE FROM t WHERE k = 1", {})
    assert rows(engine, "SELECT k FROM t ORDER BY k") == [(2,), (3,), (5,)]
    meanwhile.append("DELETE FROM t WHERE k = 2")
    with pytest.raises(SqlError, match="Transaction conflict"):
        engine.run("UPDATE t SET n = 0 WHERE k = 2", {})
    assert rows(engine, "SELECT k, n FROM t ORDER BY k") == [(3, 3), (5, 5)]


def test_clients_read_how_many_rows_a_statement_has_changed(odps: ODPS, name: str) -> None:
    """The summary's outputs name the table and count rows, which is what drivers take the update count from."""
    odps.execute_sql(f"CREATE TABLE {name} (k BIGINT) {_ACID}")
    inserted = odps.execute_sql(f"INSERT INTO {name} VALUES (1), (2), (3)")
    deleted = odps.execute_sql(f"DELETE FROM {name} WHERE k > 1")
    counts = []
    for instance in (inserted, deleted):
        summary = instance.get_task_summary(instance.get_task_names()[0])
        counts.append([rows for rows, _ in summary["Outputs"].values()])
    assert counts == [[3], [2]]


def test_rows_change_by_the_clock_of_a_session(engine: Engine) -> None:
    """Conditions and new values read local time, and an instant that is copied is the same one, also in autumn."""
    berlin = {"odps.sql.timezone": "Europe/Berlin"}
    engine.run(f"CREATE TABLE c (k BIGINT, d DATETIME, s STRING) {_ACID}", {})
    twice = "(1, DATETIME'2024-10-27 00:30:00', 'a'), (2, DATETIME'2024-10-27 01:30:00', 'b')"
    engine.run(f"INSERT INTO c VALUES {twice}", {})
    engine.run("UPDATE c SET s = concat(s, '!') WHERE k = 1", berlin)
    engine.run("UPDATE c SET d = o.d FROM c AS o WHERE o.k = c.k", berlin)
    engine.run("MERGE INTO c USING c AS o ON o.k = c.k AND o.k = 2 WHEN MATCHED THEN UPDATE SET d = o.d", berlin)
    engine.run("MERGE INTO c USING c o ON o.k = c.k + 2 WHEN NOT MATCHED THEN INSERT (k, d) VALUES (o.k, o.d)", berlin)
    shown = "SELECT k, CAST(d AS STRING), s FROM c ORDER BY k, s"
    early, late = "2024-10-27 00:30:00", "2024-10-27 01:30:00"
    assert rows(engine, shown) == [(1, early, None), (1, early, "a!"), (2, late, None), (2, late, "b")]
    engine.run("DELETE FROM c WHERE k <> 2 OR s IS NULL", berlin)
    engine.run("UPDATE c SET s = CAST(d AS STRING), d = DATETIME'2024-07-01 12:00:00'", berlin)
    assert rows(engine, shown) == [(2, "2024-07-01 10:00:00", "2024-10-27 02:30:00")]
    engine.run("DELETE FROM c WHERE d = '2024-07-01 10:00:00'", berlin)
    assert len(rows(engine, shown)) == 1


@pytest.mark.parametrize("name", ["__row", "_v0", "_t0"])
def test_no_column_or_table_has_a_name_of_the_endpoints_own(engine: Engine, name: str) -> None:
    """A statement reads what its table has under a name, and nothing else."""
    with pytest.raises(SqlError, match=f"{name}"):
        engine.run(f"UPDATE t SET n = {name}", {})
    engine.run(f"CREATE TABLE {name} ({name} BIGINT, __target BIGINT) {_ACID}", {})
    engine.run(f"INSERT INTO {name} VALUES (7, 8); UPDATE {name} SET __target = {name} + 1 WHERE {name} = 7", {})
    engine.run(
        f"MERGE INTO {name} USING (SELECT 5 AS {name}) s ON {name}.{name} = s.{name} "
        f"WHEN NOT MATCHED THEN INSERT VALUES (s.{name}, s.{name})",
        {},
    )
    assert rows(engine, f"SELECT * FROM {name} ORDER BY {name}") == [(5, 5), (7, 8)]
    engine.run(f"WITH {name} AS (SELECT 1) SELECT k FROM t", {})


def test_a_source_is_called_as_it_is_in_merge(engine: Engine) -> None:
    """A table that happens to have the name that the endpoint once used for the target is read itself."""
    engine.run("CREATE TABLE __target (k BIGINT); INSERT INTO __target VALUES (42)", {})
    engine.run(
        "MERGE INTO t USING __target ON t.k = __target.k WHEN NOT MATCHED THEN INSERT VALUES (__target.k, 'v', 0, 'z')",
        {},
    )
    assert rows(engine, "SELECT k FROM t WHERE ds = 'z'") == [(42,)]


@pytest.mark.parametrize("on", ["t.k = t.k", "k = k", "t.k = k"])
def test_merge_refuses_names_that_mean_both_tables(engine: Engine, on: str) -> None:
    """A condition that compares a table with itself matches everything, so that nothing would be inserted, silently."""
    with pytest.raises(SqlError, match=r"(?i)ambiguous"):
        engine.run(f"MERGE INTO t USING t ON {on} WHEN NOT MATCHED THEN INSERT VALUES (1, 'a', 1, 'q')", {})


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE t SET nope = 1", "column nope cannot be resolved"),
        ("UPDATE t SET n = nope", "nope"),
        ("DELETE FROM t WHERE nope = 1", "nope"),
        ("DELETE FROM plain", "needs a transactional table"),
    ],
)
def test_what_cannot_be_done_has_no_plan(engine: Engine, statement: str, words: str) -> None:
    """EXPLAIN refuses what the statement itself would be refused for."""
    engine.run("CREATE TABLE plain (k BIGINT)", {})
    with pytest.raises(SqlError, match=words):
        engine.run(f"EXPLAIN {statement}", {})
