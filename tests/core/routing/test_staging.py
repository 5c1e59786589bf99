"""The staging table of a target, and the statement that moves rows from there."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.routing.staging import (
    drop_statement,
    empty_statement,
    load_level,
    merge_statement,
    staging_drift,
    staging_name,
    staging_schema,
)
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

TARGET = TableName("events", "shop", "raw")
SCHEMA = TableSchema(
    (Column("id", OdpsType("bigint"), nullable=False), *columns_of({"v": "string"})),
    columns_of({"region": "string", "ds": "string", "hh": "bigint"}),
)
ROUTES = Routes(PartitionSpec.parse("region=cn"), {"ds": "day", "hh": "hour"})
STAGED = Staged(
    TableName("events__kafka_staging", "shop", "raw"), PartitionSpec.parse("load_id=hourly.load.r1"), ("id", "v")
)


def test_a_staging_table_has_the_columns_of_its_target_and_the_levels_that_records_say() -> None:
    """None of them NOT NULL; its own level tells loads apart."""
    made = staging_schema(SCHEMA, ROUTES)
    assert [(each.name, str(each.type), each.nullable) for each in made.columns] == [
        ("id", "bigint", True),
        ("v", "string", True),
        ("ds", "string", True),
        ("hh", "bigint", True),
    ]
    assert [each.name for each in made.partition_columns] == ["load_id"]


def test_the_level_of_loads_has_a_name_of_its_own() -> None:
    """Whatever the target's columns are called."""
    taken = TableSchema(columns_of({"Load_Id": "string"}), columns_of({"kafka_load_id": "string"}))
    assert load_level(taken) == "kafka_kafka_load_id"


def test_rows_are_moved_by_one_statement() -> None:
    """By position: the columns of the target as they are now, each by its name, then the levels that records say."""
    into = merge_statement(TARGET, SCHEMA.columns, ROUTES, STAGED, overwrite=False)
    assert into == (
        "INSERT INTO TABLE `shop`.`raw`.`events` PARTITION (`region`='cn', `ds`, `hh`)\n"
        "SELECT `id`, `v`, `ds`, `hh`\n"
        "FROM `shop`.`raw`.`events__kafka_staging`\n"
        "WHERE `load_id`='hourly.load.r1';"
    )
    over = merge_statement(TARGET, SCHEMA.columns, ROUTES, STAGED, overwrite=True)
    assert over == into.replace("INSERT INTO", "INSERT OVERWRITE")


def test_partitions_are_emptied_by_one_statement() -> None:
    """By all their levels."""
    places = [PartitionSpec.parse(f"region=cn,ds=20261122,hh={hour}") for hour in ("09", "10")]
    assert empty_statement(TARGET, places) == (
        "TRUNCATE TABLE `shop`.`raw`.`events` PARTITION (`region`='cn', `ds`='20261122', `hh`='09'), "
        "PARTITION (`region`='cn', `ds`='20261122', `hh`='10');"
    )


def test_a_target_that_was_changed_since_gets_no_value_in_another_column() -> None:
    """Columns in another order, and new ones, are no problem; of one that is gone the statement has one too many."""
    held, more = SCHEMA.columns, columns_of({"more": "decimal(18,2)"})
    chosen = [
        (held[::-1], "`v`, `id`"),
        ((*held, *more), "`id`, `v`, CAST(NULL AS DECIMAL(18,2))"),
        ((held[0], *more), "`id`, CAST(NULL AS DECIMAL(18,2)), `v`"),
        (held[:1], "`id`, `v`"),
    ]
    for columns, said in chosen:
        assert f"SELECT {said}, `ds`, `hh`\n" in merge_statement(TARGET, columns, ROUTES, STAGED, overwrite=False)


def test_staged_rows_are_dropped_by_their_partition() -> None:
    """And nothing else."""
    assert drop_statement(STAGED) == (
        "ALTER TABLE `shop`.`raw`.`events__kafka_staging` DROP IF EXISTS PARTITION (`load_id`='hourly.load.r1');"
    )


def test_a_place_is_written_and_read() -> None:
    """As the journal has it."""
    assert Staged.from_json(STAGED.to_json()) == STAGED
    with pytest.raises(InvalidInput):
        Staged.from_json({"table": "a b", "partition": "load_id=1", "columns": []})
    with pytest.raises(InvalidInput):
        Staged.from_json({"table": "a", "partition": "load_id=1", "columns": ["v`"]})


def test_the_name_of_a_staging_table() -> None:
    """Beside its target, unless another one is asked for, or the name would be too long."""
    assert staging_name(TARGET, None) == STAGED.table
    assert staging_name(TARGET, TableName("other")) == TableName("other")
    with pytest.raises(InvalidInput, match="would be longer than 128; name another one with staging_table="):
        staging_name(TableName("e" * 114), None)


def test_columns_that_a_staging_table_lacks() -> None:
    """They are added behind the others; more than the target has do no harm."""
    wanted = staging_schema(SCHEMA, ROUTES)
    found = TableSchema(columns_of({"id": "bigint", "gone": "string", "ds": "string"}), wanted.partition_columns)
    assert [each.name for each in staging_drift(STAGED.table, wanted, found)] == ["v", "hh"]
    assert staging_drift(STAGED.table, wanted, wanted) == ()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (TableSchema(columns_of({"id": "bigint"})), "is no staging table: it is partitioned by nothing, and load_id"),
        (
            TableSchema(columns_of({"id": "string"}), columns_of({"load_id": "string"})),
            "does not fit its target any more: id is string, and bigint in the target. Drop it while no load",
        ),
        (
            TableSchema((Column("id", OdpsType("bigint"), nullable=False),), columns_of({"load_id": "string"})),
            "has columns that are NOT NULL: id",
        ),
    ],
)
def test_tables_that_cannot_be_the_staging_table(found: TableSchema, says: str) -> None:
    """With what is wrong, and what to do."""
    with pytest.raises(TableRefused, match=says):
        staging_drift(STAGED.table, staging_schema(SCHEMA, ROUTES), found)
