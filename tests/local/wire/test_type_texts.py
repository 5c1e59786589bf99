"""Texts of types: whatever a statement or a query makes can be read back, by clients and by the next start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local.conftest import connect
from odps import ODPS, errors
from odps.types import validate_data_type

from airflow_provider_kafka_odps.local.api.services import open_services
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import quoted
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.testing import running_endpoint
from airflow_provider_kafka_odps.local.wire.types import MOST_LEVELS, ColumnType, Kind, parse_type, sql_text

NAMES = ("a b", "1", "1a", "a-b", "a:b", "a'b", 'a"b', "a`b", "`", "é", "列", "a,b", "a<b>", "a\nb", "int", " ")
PLAIN = [kind for kind in Kind if kind not in {Kind.CHAR, Kind.VARCHAR, Kind.ARRAY, Kind.MAP, Kind.STRUCT, Kind.VECTOR}]


def _nested(inner: st.SearchStrategy[ColumnType]) -> st.SearchStrategy[ColumnType]:
    names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(NAMES)
    return st.one_of(
        inner.map(lambda part: ColumnType(Kind.ARRAY, (), (("element", part),))),
        st.tuples(inner, inner).map(lambda p: ColumnType(Kind.MAP, (), (("key", p[0]), ("value", p[1])))),
        st.lists(st.tuples(names, inner), min_size=1, max_size=3).map(
            lambda parts: ColumnType(Kind.STRUCT, (), tuple(parts))
        ),
    )


DECIMALS = st.tuples(st.integers(1, 38), st.integers(0, 38)).filter(lambda sizes: sizes[1] <= sizes[0])
TYPES = st.recursive(
    st.one_of(
        st.sampled_from(PLAIN).map(ColumnType),
        st.integers(1, 255).map(lambda n: ColumnType(Kind.CHAR, (n,))),
        st.integers(1, 65535).map(lambda n: ColumnType(Kind.VARCHAR, (n,))),
        DECIMALS.map(lambda sizes: ColumnType(Kind.DECIMAL, sizes)),
        st.integers(1, 4096).map(lambda n: ColumnType(Kind.VECTOR, (n,), (("element", ColumnType(Kind.FLOAT)),))),
    ),
    _nested,
    max_leaves=8,
)


@given(TYPES)
def test_every_type_is_what_its_text_says(column: ColumnType) -> None:
    """A type is the same after it was written and read, in lower case and as definitions write it."""
    assert parse_type(str(column)) == column
    assert parse_type(sql_text(column)) == column
    assert str(parse_type(str(column))) == str(column)


@given(st.text("abc<>:,`() 1'\"", max_size=20).map(lambda text: f"struct<{text}"))
def test_a_text_is_read_or_refused(text: str) -> None:
    """What can be read can be written and read again; the rest is an error of the statement."""
    try:
        found = parse_type(text)
    except SqlError:
        return
    assert parse_type(str(found)) == found


def test_every_name_of_a_field_survives(tmp_path: Path) -> None:
    """Tables and results with fields of any name are there after a restart, and PyODPS reads the names."""
    fields = ", ".join(f"`{name.replace('`', '``')}`:BIGINT" for name in NAMES if "\n" not in name)
    wanted = [name for name in NAMES if "\n" not in name]
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.execute_sql(f"CREATE TABLE t (c STRUCT<{fields}>)")
        definition = odps.execute_sql("SHOW CREATE TABLE t").open_reader().raw
        instance = odps.execute_sql("SELECT named_struct('a b', 1, '1', 2) AS s")
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        assert list(_type(odps, "t").field_types) == wanted
        with odps.get_instance(instance.id).open_reader(tunnel=True) as reader:
            assert [tuple(record[0]) for record in reader] == [(1, 2)]
        odps.delete_table("t")
        odps.execute_sql(definition)
        assert list(_type(odps, "t").field_types) == wanted


def _type(odps: ODPS, name: str) -> Any:
    return validate_data_type(odps.get_table(name).table_schema.columns[0].type)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE {} (c STRUCT<``:BIGINT>)", "empty name"),
        (f"CREATE TABLE {{}} (c {'ARRAY<' * 40}INT{'>' * 40})", f"more than {MOST_LEVELS} levels"),
        (f"CREATE TABLE {{}} (c {'ARRAY<' * 50_000})", f"more than {MOST_LEVELS} levels"),
        (f"SELECT {'array(' * 40}1{')' * 40} AS {{}}", f"more than {MOST_LEVELS} levels"),
    ],
)
def test_a_type_that_nobody_could_read_is_refused(odps: ODPS, name: str, statement: str, reason: str) -> None:
    """Fields without a name, and types that are nested too deep, fail as an error of the statement."""
    with pytest.raises(errors.ODPSError, match=reason):
        odps.execute_sql(statement.format(name))


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=2, max_size=4))
def test_a_definition_is_read_back_as_it_was(names: list[str]) -> None:
    """What SHOW CREATE TABLE says of columns, a key and clustering of any name makes the same table again."""
    services = open_services(Settings(), lambda: 1_800_000_000_000)
    run = services.instances.engine.run
    every = ", ".join(f"{quoted(name)} BIGINT COMMENT 'it''s \\\\ {at}'" for at, name in enumerate(names))
    keys = f"PRIMARY KEY ({quoted(names[0])})) CLUSTERED BY ({quoted(names[-1])}) INTO 4 BUCKETS"
    try:
        run(f"CREATE TABLE t ({every}, {keys}", {})
    except SqlError:
        # Two names that differ in capitals only.
        return
    (made,) = services.store.catalog.tables.values()
    definition = run("SHOW CREATE TABLE t", {}).text
    run("DROP TABLE t", {})
    run(definition, {})
    (again,) = services.store.catalog.tables.values()
    assert (again.columns, again.primary_key, again.clustering) == (made.columns, made.primary_key, made.clustering)
    services.close()
