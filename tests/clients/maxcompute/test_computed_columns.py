"""Columns whose values the service computes: seen in the table's description, and refused before a write."""

import json
from typing import Any

import pytest
from kit.scripted_hook import TABLE, MakeHook
from kit.scripted_service import Reply, ScriptedService

from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.table.schema import TableSchema
from airflow_provider_kafka_odps.exceptions import TableRefused

TENANT = Reply(200, {"Tenant": {}})
DAY = PartitionSpec.parse("pt=2026-03-01")
BY_DAY = "TRUNC_TIME(ts, 'day')"


def described(
    service: ScriptedService, make_hook: MakeHook, columns: list[dict[str, Any]], levels: list[dict[str, Any]]
) -> TableSchema:
    """Return a table as the hook describes it, when the service says that."""
    schema = json.dumps({"columns": columns, "partitionKeys": levels, "tableName": "t"})
    page = f'<Table><Name>t</Name><Schema format="Json"><![CDATA[{schema}]]></Schema></Table>'
    service.replies = [TENANT, Reply(200, page=page.encode())]
    found = make_hook(service.url).describe(TABLE)
    assert found is not None
    return found


def test_a_generated_partition_is_refused(service: ScriptedService, make_hook: MakeHook) -> None:
    """A load names one partition; where an expression says which one a row belongs to, that is not its place."""
    columns = [{"name": "ts", "type": "timestamp"}]
    levels = [{"name": "pt", "type": "string", "generateExpression": BY_DAY}]
    schema = described(service, make_hook, columns, levels)
    for partition in (DAY, None):
        with pytest.raises(TableRefused) as refused:
            schema.check_partition(TABLE, partition)
        assert str(refused.value).startswith(f"t: MaxCompute computes column pt by {BY_DAY}, and a load would write")


def test_a_generated_column_is_refused(service: ScriptedService, make_hook: MakeHook) -> None:
    """A column that is computed from others would be whatever the load writes, NULL where nothing is mapped to it."""
    columns = [{"name": "a", "type": "bigint"}, {"name": "b", "type": "bigint", "generateExpression": "a + 1"}]
    schema = described(service, make_hook, columns, [])
    with pytest.raises(TableRefused, match=r"computes column b by a \+ 1.*Load into a table without"):
        schema.check_partition(TABLE, None)


def test_plain_columns_are_taken(service: ScriptedService, make_hook: MakeHook) -> None:
    """Without an expression, or with an empty one, nothing is computed."""
    columns = [{"name": "a", "type": "bigint", "generateExpression": ""}]
    schema = described(service, make_hook, columns, [{"name": "pt", "type": "string"}])
    schema.check_partition(TABLE, DAY)
