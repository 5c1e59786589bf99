"""Which levels of a partition are given, and which ones records say."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.core.routing.routes import Routes, parse_routes
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

TABLE = TableName("events", "shop")


def schema_of(**levels: str) -> TableSchema:
    """Return a table with these levels."""
    return TableSchema(columns_of({"v": "string"}), columns_of(levels))


def routes_of(given: str | None = None, **by: str) -> Routes:
    """Return routes behind given levels."""
    routes = parse_routes(by, PartitionSpec.parse(given) if given else None)
    assert routes is not None
    return routes


@pytest.mark.parametrize("asked", [None, "", {}])
def test_nothing_asked_is_no_route(asked: str | None) -> None:
    """Also where a template has rendered to nothing."""
    assert parse_routes(asked, None) is None


def test_given_levels_come_first() -> None:
    """A partition is named by what is given and what the record says."""
    routes = routes_of("region=cn", ds="day", hh="hour")
    assert str(routes) == "region=cn,ds=*,hh=*"
    assert routes.partition(["20261122", 7]) == PartitionSpec.parse("region=cn,ds=20261122,hh=7")
    routes.check(TABLE, schema_of(region="string", ds="string", hh="bigint"))


def test_case_of_levels_is_ignored() -> None:
    """As MaxCompute does."""
    routes_of("Region=cn", DS="day").check(TABLE, schema_of(region="string", ds="string"))


@pytest.mark.parametrize(
    ("asked", "given", "says"),
    [
        ("{", None, "is no JSON"),
        ("[]", None, "a mapping of partition columns to source expressions"),
        ({"ds": 1}, None, "a mapping of partition columns to source expressions"),
        ({"ds": "day"}, "ds=1", "needs each level once that partition does not give"),
        ({"ds": "day", "DS": "day"}, None, "needs each level once"),
        ({"d-s": "day"}, None, "partition column 'd-s' is no MaxCompute name"),
    ],
)
def test_what_says_no_levels(asked: str, given: str | None, says: str) -> None:
    """It is refused as it stands, with what is wanted."""
    with pytest.raises(InvalidInput, match=says):
        parse_routes(asked, PartitionSpec.parse(given) if given else None)


@pytest.mark.parametrize(
    ("routes", "levels", "says"),
    [
        (routes_of(ds="day"), {}, "shop.events is not partitioned, but partition_by names ds; leave it out"),
        (routes_of(dd="day"), {"ds": "string"}, "is partitioned by ds, and dd is no level of it"),
        (routes_of(ds="day"), {"ds": "string", "hh": "string"}, "nothing says hh: add it to partition_by"),
        (routes_of("hh=1", ds="day"), {"ds": "string", "hh": "string"}, "hh is given by partition, and stands behind"),
        (routes_of(hh="h", ds="d"), {"ds": "string", "hh": "string"}, "name the levels in the table's order"),
        (routes_of(ds="day"), {"ds": "datetime"}, "level ds is datetime"),
    ],
)
def test_levels_that_are_not_the_table_s(routes: Routes, levels: dict[str, str], says: str) -> None:
    """What the table has, what was said, and what to do."""
    with pytest.raises(TableRefused, match=says):
        routes.check(TABLE, schema_of(**levels))


def test_a_level_that_the_service_computes() -> None:
    """Nobody else may say which partition a row of AUTO PARTITION belongs to."""
    level = Column("ds", OdpsType("string"), computed="trunc_time(ts, 'day')")
    with pytest.raises(TableRefused, match=r"MaxCompute computes column ds .* INSERT … SELECT from there"):
        routes_of(ds="day").check(TABLE, TableSchema(columns_of({"v": "string"}), (level,)))


def test_a_clustered_table() -> None:
    """The service refuses the statement there; it is said before anything is read."""
    schema = TableSchema(columns_of({"v": "string"}), columns_of({"ds": "string"}), clustered=True)
    with pytest.raises(TableRefused, match="is clustered, and MaxCompute takes no dynamic partitions there"):
        routes_of(ds="day").check(TABLE, schema)
