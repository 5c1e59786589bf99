"""Definitions applied to the catalog: partitions, changed tables, SHOW and DESC, and what is refused."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.local.catalog.model import Table, TableName
from airflow_provider_kafka_odps.local.catalog.specs import full_spec, read_spec
from airflow_provider_kafka_odps.local.catalog.store import Store, open_store
from airflow_provider_kafka_odps.local.errors import ServiceError, SqlError
from airflow_provider_kafka_odps.local.sql.engine import Engine


@pytest.fixture
def store() -> Store:
    """Return an empty store in memory."""
    return open_store("p1", None, lambda: 100)


@pytest.fixture
def engine(store: Store) -> Engine:
    """Return an engine on it, with one partitioned table of two partitions."""
    engine = Engine(store, lambda: 200_000, "me")
    engine.run(
        "CREATE TABLE t (a BIGINT, b STRING COMMENT 'bee') PARTITIONED BY (ds STRING, hh BIGINT) LIFECYCLE 3", {}
    )
    engine.run("ALTER TABLE t ADD PARTITION (ds='x', hh=7) PARTITION (ds='y', hh='08')", {})
    return engine


def table(store: Store, name: str = "t") -> Table:
    """Return a table of the default schema."""
    return store.catalog.tables[TableName("p1", "default", name)]


def test_partition_values_take_the_form_of_their_column(engine: Engine, store: Store) -> None:
    """The value of a BIGINT partition column is a number, however it is written."""
    assert list(table(store).partitions) == [(("ds", "x"), ("hh", "7")), (("ds", "y"), ("hh", "8"))]
    with pytest.raises(SqlError, match="is bigint, but its value is 'seven'"):
        engine.run("ALTER TABLE t ADD PARTITION (ds='x', hh='seven')", {})


def test_dropping_by_a_part_of_the_spec_drops_what_matches(engine: Engine, store: Store) -> None:
    """Naming some partition columns means every partition with these values."""
    engine.run("ALTER TABLE t ADD PARTITION (ds='x', hh=9)", {})
    engine.run("ALTER TABLE t DROP PARTITION (ds='x')", {})
    assert [dict(spec)["ds"] for spec in table(store).partitions] == ["y"]
    with pytest.raises(SqlError, match="does not exist"):
        engine.run("ALTER TABLE t DROP PARTITION (ds='x')", {})
    engine.run("ALTER TABLE t DROP IF EXISTS PARTITION (ds='x')", {})


def test_tables_are_altered(engine: Engine, store: Store) -> None:
    """Lifecycle, comment, properties, owner, name and partitions' names change; the rest stays."""
    engine.run("ALTER TABLE t SET LIFECYCLE 9; ALTER TABLE t SET COMMENT 'c'; ALTER TABLE t CHANGEOWNER TO 'you'", {})
    engine.run("ALTER TABLE t SET TBLPROPERTIES ('k'='v')", {})
    engine.run("ALTER TABLE t PARTITION (ds='x',hh=7) RENAME TO PARTITION (ds='z',hh=7)", {})
    engine.run("ALTER TABLE t RENAME TO u", {})
    changed = table(store, "u")
    assert (changed.lifecycle, changed.comment, changed.owner, dict(changed.properties)) == (9, "c", "you", {"k": "v"})
    assert (("ds", "z"), ("hh", "7")) in changed.partitions
    with pytest.raises(SqlError, match="cannot be resolved"):
        engine.run("DESC t", {})


def test_like_copies_columns_and_not_rows(engine: Engine, store: Store) -> None:
    """CREATE TABLE LIKE takes columns and partition columns, neither partitions nor the lifecycle."""
    engine.run("CREATE TABLE c LIKE t", {})
    copy = table(store, "c")
    assert (copy.columns, copy.partition_columns) == (table(store).columns, table(store).partition_columns)
    assert (dict(copy.partitions), copy.lifecycle) == ({}, -1)


def test_show_and_desc_tell_what_is_there(engine: Engine) -> None:
    """SHOW lists names and partitions; SHOW CREATE TABLE gives a statement that makes the same table."""
    assert engine.run("SHOW PARTITIONS t", {}).text == "ds=x/hh=7\nds=y/hh=8"
    assert engine.run("SHOW TABLES", {}).text == "me:t"
    assert "b               | string" in engine.run("DESC t", {}).text
    made = engine.run("SHOW CREATE TABLE t", {}).text
    engine.run("DROP TABLE t", {})
    engine.run(made, {})
    assert engine.run("SHOW CREATE TABLE t", {}).text == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE TABLE t (a BIGINT)", "already exists"),
        ("ALTER TABLE t ADD COLUMNS (a STRING)", "exists already"),
        ("ALTER TABLE t DROP COLUMNS nope", "cannot be resolved"),
        ("ALTER TABLE t DROP COLUMNS a, b", "no column left"),
        ("ALTER TABLE t CHANGE COLUMN b b BIGINT", "cannot change from string to bigint"),
        ("ALTER TABLE t CHANGE COLUMN a b BIGINT", "exists already"),
        ("ALTER TABLE t ADD PARTITION (ds='x')", "invalid partition spec"),
        ("ALTER TABLE t DROP PARTITION (nope='x')", "not partitioned by nope"),
        ("TRUNCATE TABLE t", "needs a PARTITION clause"),
        ("CREATE TABLE x (a BIGINT) PARTITIONED BY (b DOUBLE)", "cannot be double"),
        ("CREATE TABLE x (a BIGINT, PRIMARY KEY (z))", "names z"),
        ("CREATE TABLE nowhere.s.x (a BIGINT)", "Project not found"),
        ("CREATE TABLE p1.nowhere.x (a BIGINT)", "Schema not found"),
        ("DROP SCHEMA default", "not to be dropped"),
        ("INSERT INTO t PARTITION (zz='1') VALUES (1)", "not partitioned by zz"),
        ("INSERT INTO t PARTITION (ds='a', hh=1) (nope) VALUES (1)", "nope cannot be resolved"),
        ("INSERT INTO t PARTITION (ds='a', hh=1) VALUES (1, 'x', 3)", "has 3 columns, but 2"),
        ("INSERT INTO t PARTITION (ds, hh) VALUES (1, 'x', NULL, 1)", "invalid dynamic partition value: ds=NULL"),
    ],
)
def test_definitions_that_make_no_sense_are_refused(engine: Engine, store: Store, text: str, message: str) -> None:
    """What the catalog cannot do fails with the reason, and changes nothing."""
    before = store.catalog
    with pytest.raises(SqlError, match=message):
        engine.run(text, {})
    assert store.catalog == before


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ds=20261122", {"ds": "20261122"}),
        ("ds='a',hh='1'", {"ds": "a", "hh": "1"}),
        ("ds=a/hh=1", {"ds": "a", "hh": "1"}),
        (" ds = 'it\\'s' , hh=\"x,y\" ", {"ds": "it's", "hh": "x,y"}),
    ],
)
def test_partition_specs_of_all_clients_are_read(text: str, parts: dict[str, str]) -> None:
    """Bare and quoted values, commas and slashes all name the same thing."""
    assert read_spec(text) == parts


@pytest.mark.parametrize("text", ["ds", "=a", "ds=a,", "ds=a=b,,", "ds=a,hh=", "ds=a,hh=1,x=2"])
def test_partition_specs_that_are_not_complete_are_refused(engine: Engine, store: Store, text: str) -> None:
    """A spec that names too little, too much or nothing is an InvalidPartitionSpec."""
    del engine
    with pytest.raises(ServiceError) as caught:
        full_spec(table(store), text)
    assert caught.value.code == "InvalidPartitionSpec"
