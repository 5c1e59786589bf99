"""Tables: their columns, their partitions, and the DDL that would make them."""

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of, string_partition_columns
from airflow_provider_kafka_odps.core.table.statements import create_statement
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

TABLE = TableName("t", "shop")
PLAIN = TableSchema((Column("id", OdpsType("bigint"), nullable=False), *columns_of({"v": "varchar(3)"})))
PARTITIONED = TableSchema(PLAIN.columns, columns_of({"ds": "string", "hh": "string"}))


def test_the_statement_is_complete() -> None:
    """CREATE TABLE has every column with its type, its partitions and its lifecycle."""
    assert create_statement(TABLE, PARTITIONED, 7) == (
        "CREATE TABLE IF NOT EXISTS `shop`.`t` (\n  `id` BIGINT NOT NULL,\n  `v` VARCHAR(3)\n)\n"
        "PARTITIONED BY (\n  `ds` STRING,\n  `hh` STRING\n)\nLIFECYCLE 7;"
    )
    assert "PARTITIONED" not in create_statement(TABLE, PLAIN)
    assert "LIFECYCLE" not in create_statement(TABLE, PLAIN)


def test_blocks_have_the_columns_of_the_table() -> None:
    """The Arrow schema has the columns in order, with their nullability, without partition columns."""
    assert PARTITIONED.arrow == pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("v", pa.string())])


@pytest.mark.parametrize(
    ("columns", "partitions"), [({}, {}), ({"a": "int", "A": "int"}, {}), ({"a": "int"}, {"a": "string"})], ids=str
)
def test_a_table_has_columns_each_name_once(columns: dict[str, str], partitions: dict[str, str]) -> None:
    """No columns, and a name twice in any case, are refused."""
    with pytest.raises(InvalidInput, match="a table needs columns, each name once"):
        TableSchema(columns_of(columns), columns_of(partitions))


@pytest.mark.parametrize("name", ["", "a b", "a`b", "1a", "列", "a;", "a" * 129])
def test_a_column_has_a_name(name: str) -> None:
    """A name that could leave its backquotes is refused."""
    with pytest.raises(InvalidInput, match="is no MaxCompute name"):
        Column(name, OdpsType("int"))


@pytest.mark.parametrize(
    ("schema", "partition", "message"),
    [
        (PLAIN, "ds=1", r"^shop\.t is not partitioned, but partition='ds=1' was given; leave it out$"),
        (PARTITIONED, None, r"partitioned by ds, hh, but no partition was given; write 'ds=…,hh=…'$"),
        (PARTITIONED, "ds=1", r"but partition='ds=1' was given; write 'ds=…,hh=…'$"),
        (PARTITIONED, "ds=1,mm=2", r"but partition='ds=1,mm=2' was given"),
        (PARTITIONED, "hh=1,ds=2", r"but partition='hh=1,ds=2' was given"),
    ],
    ids=str,
)
def test_the_partition_has_to_be_the_tables(schema: TableSchema, partition: str | None, message: str) -> None:
    """A partition that the table does not have is refused, with the one that it has."""
    with pytest.raises(TableRefused, match=message):
        schema.check_partition(TABLE, PartitionSpec.parse(partition) if partition else None)


def test_a_partition_that_fits_is_taken() -> None:
    """Names of partition columns ignore case, as MaxCompute's do."""
    PLAIN.check_partition(TABLE, None)
    PARTITIONED.check_partition(TABLE, PartitionSpec.parse("DS=1,hh=2"))
    spec = PartitionSpec.parse("ds=1,hh=2")
    assert string_partition_columns(spec) == PARTITIONED.partition_columns
    assert string_partition_columns(None) == ()
