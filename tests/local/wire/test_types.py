"""Types as texts: read, written back and mapped to Arrow."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind, arrow_type, parse_type


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "STRUCT<`a`:BIGINT, `b`:MAP<STRING,ARRAY<DECIMAL(10,2)>>>",
            "struct<a:bigint,b:map<string,array<decimal(10,2)>>>",
        ),
        ("DECIMAL(5)", "decimal(5,0)"),
        ("decimal", "decimal"),
        ("VARCHAR( 10 )", "varchar(10)"),
        ("timestamp_ntz", "timestamp_ntz"),
    ],
)
def test_types_are_echoed_in_plain_lower_case(text: str, plain: str) -> None:
    """Backticks and capitals go: Go's client reads nothing else. What is echoed reads back as the same type."""
    assert str(parse_type(text)) == plain
    assert parse_type(plain) == parse_type(text)


@pytest.mark.parametrize("text", ["", "biggint", "array<", "map<string>", "char", "char(0)", "decimal(39,1)", "int(3)"])
def test_types_that_do_not_exist_are_refused(text: str) -> None:
    """A type text that the service doesn't know is a SQL error."""
    with pytest.raises(SqlError):
        parse_type(text)


def test_every_kind_has_an_arrow_type() -> None:
    """No type of the tunnel is forgotten in the mapping."""
    nested = {
        Kind.ARRAY: "array<bigint>",
        Kind.MAP: "map<bigint,bigint>",
        Kind.STRUCT: "struct<a:bigint>",
        Kind.CHAR: "char(1)",
        Kind.VARCHAR: "varchar(1)",
        Kind.VECTOR: "vector(float,2)",
    }
    for kind in Kind:
        column: ColumnType = parse_type(nested.get(kind, kind.value))
        assert isinstance(arrow_type(column), pa.DataType)
