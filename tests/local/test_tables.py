"""Tables, partitions and schemas as PyODPS creates, finds and changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from odps import ODPS, errors

MakeTable = Callable[..., Any]


def test_what_a_project_has_not_is_listed_as_nothing(odps: ODPS) -> None:
    """Resources, functions, volumes, models, users and roles are empty lists, not errors."""
    listed = (odps.list_resources(), odps.list_functions(), odps.list_volumes(), odps.list_xflows())
    assert [list(each) for each in (*listed, odps.list_offline_models(), odps.list_users(), odps.list_roles())] == [
        []
    ] * 7


def test_a_table_exists_from_create_to_delete(odps: ODPS, name: str) -> None:
    """A table is there after create_table, with its columns and comment, and gone after delete_table."""
    assert not odps.exist_table(name)
    odps.create_table(name, ("k bigint, v string", "ds string"), comment="it's kafka", lifecycle=7)
    table = odps.get_table(name)
    assert [(c.name, str(c.type).lower()) for c in table.table_schema.simple_columns] == [
        ("k", "bigint"),
        ("v", "string"),
    ]
    assert [c.name for c in table.table_schema.partitions] == ["ds"]
    assert (table.comment, table.lifecycle) == ("it's kafka", 7)
    odps.delete_table(name)
    assert not odps.exist_table(name)


def test_what_is_missing_has_its_own_error(odps: ODPS, name: str) -> None:
    """Reading, dropping or describing a missing table raises NoSuchTable."""
    with pytest.raises(errors.NoSuchTable):
        odps.get_table(name).reload()
    with pytest.raises(errors.NoSuchTable):
        odps.delete_table(name)
    odps.delete_table(name, if_exists=True)


def test_creating_twice_is_refused_unless_asked_for(make_table: MakeTable) -> None:
    """A second CREATE TABLE fails with the service's code; IF NOT EXISTS does nothing."""
    make_table("k bigint")
    with pytest.raises(errors.ODPSError, match=r"ODPS-0110061.*already exists"):
        make_table("k bigint")
    make_table("k bigint", if_not_exists=True)


def test_partitions_come_and_go(make_table: MakeTable) -> None:
    """Partitions are created, listed, found, truncated and dropped by their spec."""
    table = make_table(("k bigint", "ds string, hh bigint"))
    table.create_partition("ds=20261122,hh=7")
    table.create_partition("ds=20261122,hh=7", if_not_exists=True)
    with pytest.raises(errors.ODPSError, match="already exists"):
        table.create_partition("ds=20261122,hh=7")
    assert table.exist_partition("ds=20261122,hh=7")
    assert not table.exist_partition("ds=20261122,hh=8")
    assert [p.name for p in table.partitions] == ["ds='20261122',hh='7'"]
    assert table.get_partition("ds=20261122,hh=7").creation_time
    table.delete_partition("ds=20261122,hh=7")
    assert not list(table.partitions)


def test_truncate_keeps_the_table_and_drops_its_rows(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """After truncate a table and a partition are there and empty."""
    table = make_table(("k bigint", "ds string"))
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds) VALUES (1, 'a'), (2, 'b')")
    table.truncate("ds=a")
    with odps.execute_sql(f"SELECT k FROM {name}").open_reader() as reader:
        assert [record[0] for record in reader] == [2]
    assert table.exist_partition("ds=a")


def test_schemas_hold_tables_of_their_own(odps: ODPS, name: str) -> None:
    """A table of a schema is found under its three-level name only."""
    schema = f"s_{name}"
    odps.create_schema(schema)
    assert odps.exist_schema(schema)
    odps.create_table(name, "k bigint", schema=schema)
    assert odps.exist_table(name, schema=schema)
    assert not odps.exist_table(name)
    odps.write_table(name, [[1]], schema=schema)
    with odps.execute_sql(f"SELECT * FROM {odps.project}.{schema}.{name}").open_reader() as reader:
        assert reader.count == 1
    assert [table.name for table in odps.list_tables(schema=schema)] == [name]


def test_columns_evolve_and_old_rows_stay_readable(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """Rows written before a column was added, renamed or dropped are read in the new columns."""
    table = make_table("a bigint, b string, c bigint")
    odps.write_table(name, [[1, "x", 5]])
    odps.execute_sql(f"ALTER TABLE {name} ADD COLUMNS (d double COMMENT 'new')")
    odps.execute_sql(f"ALTER TABLE {name} CHANGE COLUMN b b2 STRING")
    odps.execute_sql(f"ALTER TABLE {name} DROP COLUMNS c")
    table = odps.get_table(name)
    assert table.table_schema.names == ["a", "b2", "d"]
    with table.open_reader() as reader:
        assert [record.values for record in reader] == [[1, "x", None]]


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("SELECT * FROM nowhere", errors.NoSuchTable, "nowhere cannot be resolved"),
        ("SELEC 1", errors.ParseError, r"\[1,1\].*SELEC"),
        ("CREATE TABLE x (a BIGINT, a STRING)", errors.ODPSError, "defined twice"),
        ("CREATE TABLE x (a BIGNIT)", errors.ParseError, "BIGNIT"),
        ("ALTER TABLE nowhere ADD PARTITION (ds='1')", errors.NoSuchTable, "nowhere"),
        ("SELECT * FROM elsewhere.t", errors.ODPSError, "Schema not found"),
        ("SELECT * FROM elsewhere.s.t", errors.ODPSError, "Project not found"),
        ("SELECT * FROM read_csv('/etc/passwd')", errors.ODPSError, "ODPS-"),
        ("CREATE TABLE x (a CHAR(300))", errors.ODPSError, "1 to 255"),
    ],
)
def test_sql_errors_carry_the_service_code(odps: ODPS, statement: str, error: type[Exception], message: str) -> None:
    """A statement that fails raises the class of its code, with what was wrong."""
    with pytest.raises(error, match=message):
        odps.execute_sql(statement)
