"""Names of tables and partitions."""

from typing import Any

import pytest

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("t", TableName("t")),
        (" shop.t ", TableName("t", "shop")),
        ("shop.raw.t_1", TableName("t_1", "shop", "raw")),
        (".raw.t_1", TableName("t_1", None, "raw")),
    ],
)
def test_tables_have_one_two_or_three_names(text: str, table: TableName) -> None:
    """The forms of MaxCompute's names are read, and a schema of the connection's project; all print as they were."""
    assert TableName.parse(text) == table
    assert str(table) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "a.b.c.d", "a..b", ".t", "..t", "`t`", "t;drop table x", "1t", "t-1", "表", "t" * 129, "t\n.u"]
)
def test_what_is_no_table_name_is_refused(text: str) -> None:
    """Whatever would need quoting, or would be more than a name, never reaches a statement."""
    with pytest.raises(InvalidInput, match=r"is no MaxCompute name|is no table name"):
        TableName.parse(text)


@pytest.mark.parametrize(
    "asked",
    [
        "ds=20261122,hh=10",
        "ds='20261122'/hh=\"10\"",
        " ds = 20261122 , hh = 10 ",
        {"ds": "20261122", "hh": 10},
        {"ds": 20261122, "hh": "10"},
    ],
    ids=repr,
)
def test_partitions_are_read_in_every_usual_form(asked: Any) -> None:
    """Text, DDL's form, and mappings name the same partition."""
    spec = PartitionSpec.parse(asked)
    assert str(spec) == "ds=20261122,hh=10"
    assert spec.ddl == "`ds`='20261122', `hh`='10'"


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("", "is not column=value"),
        ("20261122", "is not column=value"),
        ("ds=1,", "is not column=value"),
        ({}, "each partition column once"),
        ("ds=1,DS=2", "each partition column once"),
        ("ds=", "ds=''"),
        ("ds=a'b", 'ds="a\'b"'),
        ({"ds": "a,b"}, "ds='a,b'"),
        ({"ds": "a/b"}, "ds='a/b'"),
        ({"ds": "a\n"}, r"ds='a\\n'"),
        ({"ds": "x" * 256}, "1 to 255"),
        ({"ds": None}, "ds=None"),
        ({"ds": True}, "ds=True"),
        ({"ds": 1.5}, "ds=1.5"),
        ({"d s": "1"}, "'d s' is no MaxCompute name"),
        ("1=2", "'1' is no MaxCompute name"),
    ],
    ids=repr,
)
def test_partitions_that_would_not_survive_an_address_are_refused(asked: Any, seen: str) -> None:
    """What cannot stand in a statement and in a tunnel address alike is shown and refused."""
    with pytest.raises(InvalidInput, match=seen):
        PartitionSpec.parse(asked)
