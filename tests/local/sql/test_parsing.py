"""The parser: every statement and clause that clients send, read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import tokenize
from airflow_provider_kafka_odps.local.sql.parsing.parser import parse_script, parse_statement
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    AddColumns,
    AddPartitions,
    AlterTable,
    ChangeColumn,
    CreateSchema,
    CreateTable,
    Describe,
    DropColumns,
    DropPartitions,
    DropSchema,
    DropTable,
    Insert,
    Query,
    RenamePartition,
    Show,
    ShowKind,
    Touch,
    Truncate,
)

# Verbatim from the wire of PyODPS, the Java SDK and the Go SDK.
CREATED = [
    (
        (
            "CREATE TABLE `p1`.`t` (`K1` BIGINT COMMENT 'the key\\'s \"comment\"',`v` STRING,`d` DECIMAL(10,2)) "
            "COMMENT 'it\\'s a table'  LIFECYCLE 7;"
        ),
        (("p1", "t"), ["k1 bigint", "v string", "d decimal(10,2)"], [], "it's a table", 7),
    ),
    ("CREATE TABLE IF NOT EXISTS `p1`.`t` (`a` BIGINT);", (("p1", "t"), ["a bigint"], [], "", -1)),
    (
        "CREATE TABLE `p1`.`t` (`k` BIGINT,`v` STRING) PARTITIONED BY (`ds` STRING,`hh` BIGINT);",
        (("p1", "t"), ["k bigint", "v string"], ["ds string", "hh bigint"], "", -1),
    ),
    (
        "CREATE TABLE `p1`.`t` (`i` BIGINT,`c` ARRAY<STRUCT<`a`:BIGINT,`b`:MAP<STRING,DOUBLE>>>);",
        (("p1", "t"), ["i bigint", "c array<struct<a:bigint,b:map<string,double>>>"], [], "", -1),
    ),
    (
        "create table  p1.`t` (\n    `k` BIGINT  ,\n    `v` STRING  \n)\npartitioned by (`ds` STRING, `hh` BIGINT);",
        (("p1", "t"), ["k bigint", "v string"], ["ds string", "hh bigint"], "", -1),
    ),
    (
        (
            "CREATE TABLE IF NOT EXISTS p1.s1.`tk` (\n  `key` STRING NOT NULL,\n  PRIMARY KEY (`key`)\n)\nCOMMENT 'c'\n"
            "PARTITIONED BY (\n  `ds` STRING\n)\nTBLPROPERTIES (\n  'transactional'='true', 'write.bucket.num'='4'\n)\n"
            "CLUSTERED BY (`key`) SORTED BY (`key` ASC) INTO 16 BUCKETS\nSTORED AS ALIORC\nLIFECYCLE 7;"
        ),
        (("p1", "s1", "tk"), ["key string"], ["ds string"], "c", 7),
    ),
]


@pytest.mark.parametrize(("text", "wanted"), CREATED)
def test_create_table_as_clients_write_it(text: str, wanted: tuple[Any, ...]) -> None:
    """Names, columns, partitions, comment and lifecycle are read from what PyODPS, Java and Go send."""
    statement = parse_statement(text)
    assert isinstance(statement, CreateTable)
    columns = [f"{column.name} {column.type}" for column in statement.columns]
    partitions = [f"{column.name} {column.type}" for column in statement.partition_columns]
    assert (statement.name, columns, partitions, statement.comment, statement.lifecycle) == wanted


def test_create_table_reads_keys_and_properties() -> None:
    """Primary key and properties come through, also of a transactional table."""
    statement = parse_statement(CREATED[-1][0])
    assert isinstance(statement, CreateTable)
    assert statement.primary_key == ("key",)
    assert statement.properties == {"transactional": "true", "write.bucket.num": "4"}
    assert not statement.columns[0].nullable


T = ("t",)
READ: list[tuple[str, Any]] = [
    (
        "ALTER TABLE `p1`.`t` ADD PARTITION (ds='a',hh='7');",
        AddPartitions(("p1", "t"), ({"ds": "a", "hh": "7"},), if_not_exists=False),
    ),
    (
        "ALTER TABLE p1.`t` ADD IF NOT EXISTS  PARTITION (ds='a')",
        AddPartitions(("p1", "t"), ({"ds": "a"},), if_not_exists=True),
    ),
    (
        "alter table p1.`t` add if not exists\npartition (ds='a')\npartition (ds='b')\n;",
        AddPartitions(("p1", "t"), ({"ds": "a"}, {"ds": "b"}), if_not_exists=True),
    ),
    (
        "ALTER TABLE t DROP PARTITION(ds='a'), PARTITION (ds='b');",
        DropPartitions(T, ({"ds": "a"}, {"ds": "b"}), if_exists=False),
    ),
    ("ALTER TABLE t DROP IF EXISTS PARTITION(ds=20261122);", DropPartitions(T, ({"ds": "20261122"},), if_exists=True)),
    (
        "ALTER TABLE t PARTITION (ds='a') RENAME TO PARTITION (ds='b')",
        RenamePartition(T, {"ds": "a"}, {"ds": "b"}),
    ),
    ("ALTER TABLE t TOUCH PARTITION (ds='a')", Touch(T, ({"ds": "a"},))),
    ("ALTER TABLE t DROP COLUMNS a, `b`;", DropColumns(T, ("a", "b"))),
    ("ALTER TABLE t DROP COLUMN (a)", DropColumns(T, ("a",))),
    ("ALTER TABLE t CHANGE COLUMN a RENAME TO b", ChangeColumn(T, "a", new_name="b")),
    ("ALTER TABLE t RENAME COLUMN a TO b", ChangeColumn(T, "a", new_name="b")),
    ("ALTER TABLE t CHANGE COLUMN a COMMENT 'x'", ChangeColumn(T, "a", comment="x")),
    ("ALTER TABLE t CHANGE COLUMN a NULL", ChangeColumn(T, "a", nullable=True)),
    ("ALTER TABLE t SET LIFECYCLE 3", AlterTable(T, lifecycle=3)),
    ("ALTER TABLE t SET COMMENT 'c'", AlterTable(T, comment="c")),
    ("ALTER TABLE t SET TBLPROPERTIES ('a'='b', c.d=1)", AlterTable(T, properties={"a": "b", "c.d": "1"})),
    ("ALTER TABLE t RENAME TO u", AlterTable(T, new_name=("u",))),
    ("ALTER TABLE t CHANGEOWNER TO 'ALIYUN$x'", AlterTable(T, owner="ALIYUN$x")),
    ("DROP TABLE  IF EXISTS `p1`.`t`;", DropTable(("p1", "t"), if_exists=True)),
    ("TRUNCATE TABLE p1.`t` PARTITION (ds='zzz');", Truncate(("p1", "t"), ({"ds": "zzz"},))),
    ("CREATE SCHEMA IF NOT EXISTS p1.s1", CreateSchema(("p1", "s1"), if_not_exists=True)),
    ("DROP SCHEMA s1 CASCADE", DropSchema(("s1",), if_exists=False, cascade=True)),
    ("SHOW TABLES IN s1 LIKE 'a*'", Show(ShowKind.TABLES, ("s1",), "a*")),
    ("SHOW PARTITIONS t PARTITION (ds='a')", Show(ShowKind.PARTITIONS, T, spec={"ds": "a"})),
    ("SHOW CREATE TABLE t", Show(ShowKind.DEFINITION, T)),
    ("DESC t PARTITION (ds='a')", Describe(T, {"ds": "a"})),
    (
        "INSERT INTO TABLE t PARTITION (ds='a', hh) SELECT 1",
        Insert(T, overwrite=False, partition={"ds": "a", "hh": None}, columns=(), query="SELECT 1"),
    ),
    (
        "INSERT OVERWRITE t (a, b) VALUES (1, 2);",
        Insert(T, overwrite=True, partition={}, columns=("a", "b"), query="VALUES (1, 2)"),
    ),
    ("-- why\nSELECT 1 /* ; */ ;", Query("SELECT 1 /* ; */")),
]


@pytest.mark.parametrize(("text", "statement"), READ)
def test_statements_are_read(text: str, statement: Any) -> None:
    """Each statement that a client or a person writes becomes the value that says it."""
    assert parse_statement(text) == statement


def test_added_columns_are_read_with_and_without_parentheses() -> None:
    """Both ways of adding columns are the same statement."""
    for text in ("ADD COLUMNS (a BIGINT COMMENT 'x', b STRING)", "ADD COLUMN a BIGINT COMMENT 'x', b STRING"):
        statement = parse_statement(f"ALTER TABLE t {text}")
        assert isinstance(statement, AddColumns)
        assert [(column.name, str(column.type), column.comment) for column in statement.columns] == [
            ("a", "bigint", "x"),
            ("b", "string", ""),
        ]


def test_settings_before_statements_are_theirs() -> None:
    """SET lines give settings to the script; semicolons in strings end nothing."""
    script = parse_script("SET odps.sql.type.system.odps2=true;\nset a = b c;\nSELECT ';' ; SELECT 2")
    assert script.settings == {"odps.sql.type.system.odps2": "true", "a": "b c"}
    assert script.statements == (Query("SELECT ';'"), Query("SELECT 2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DROP TABLE", r"\[1,11\].*'<EOF>', expected a name"),
        ("ALTER TABLE t\nEXPLODE", r"\[2,1\].*'EXPLODE', expected ADD, DROP"),
        ("CREATE TABLE t", "expected the columns"),
        ("CREATE TABLE a.b.c.d (k BIGINT)", "at most project.schema.table"),
        ("CREATE TABLE t (k BIGINT) LIFECYCLE x", "expected an integer"),
        ("DROP TABLE t extra", "'extra', expected the end"),
        ("INSERT t SELECT 1", "expected INTO"),
        ("EXPLODE SELECT 1", "'EXPLODE', expected a statement"),
    ],
)
def test_parse_errors_show_where_and_what(text: str, message: str) -> None:
    """A statement that cannot be read says line, column, what was seen and what was expected."""
    with pytest.raises(SqlError, match=message) as caught:
        parse_statement(text)
    assert caught.value.code == "ODPS-0130161"


@given(st.text())
def test_no_text_surprises_the_parser(text: str) -> None:
    """Any text at all is a script or a SQL error, and its tokens cover it in order."""
    with suppress(SqlError):
        tokens = tokenize(text)
        assert all(token.start <= token.end for token in tokens)
        assert [token.start for token in tokens] == sorted(token.start for token in tokens)
        parse_script(text)
