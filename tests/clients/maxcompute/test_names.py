"""One reading of a table's name in every statement, whatever the tenant and the connection say of schemas."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from core.examples import window_of
from kit.scripted_hook import MakeHook
from kit.scripted_service import Reply, ScriptedService

from airflow_provider_kafka_odps.core.delivery.window_rows import rows_statement, window_rows_sql
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.transfers.adapters.reject_table import RejectTable
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableWindowRows, visible_rows

DAY = PartitionSpec.parse("ds=20261122")
COLUMNS = {"p": "bigint", "o": "bigint"}
SCHEMA = TableSchema(columns_of(COLUMNS), columns_of({"ds": "string"}))
MAPPED = {"p": "__partition__", "o": "__offset__"}


@pytest.fixture(scope="module")
def without_schemas() -> Iterator[RunningEndpoint]:
    """Return an endpoint whose tenant reads a name of two parts as project and table."""
    with running_endpoint(arguments=("--no-schemas",)) as endpoint:
        yield endpoint


@pytest.fixture(params=["schemas", "no schemas", "a schema of the connection"])
def hook(
    request: pytest.FixtureRequest,
    endpoint: RunningEndpoint,
    without_schemas: RunningEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> OdpsHook:
    """Return a hook on a tenant of either kind, or one whose connection names a schema."""
    where = without_schemas if request.param == "no schemas" else endpoint
    extra = {
        "access_key_id": where.access_id,
        "access_key_secret": where.access_key,
        "project": where.project,
        "endpoint": where.endpoint,
    }
    if request.param == "a schema of the connection":
        extra["schema"] = "default"
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps({"conn_type": "maxcompute", "extra": extra}))
    return OdpsHook()


@pytest.fixture(params=["one part", "two parts"])
def table(request: pytest.FixtureRequest, hook: OdpsHook) -> TableName:
    """Return a name, as users write it and the operator resolves it."""
    name = f"n_{uuid.uuid4().hex[:12]}"
    return hook.resolve(TableName(name, hook.settings.project if request.param == "two parts" else None))


def sink_of(hook: OdpsHook, table: TableName) -> TableSink:
    """Return the table as a load sees it before it is created."""
    return TableSink(
        hook,
        table,
        SCHEMA,
        DAY,
        overwrite=False,
        create=True,
        lifecycle=None,
        compression=Compression.NONE,
        log=print,
        added=(),
    )


def load(hook: OdpsHook, table: TableName, *offsets: int) -> None:
    """Append rows with these offsets."""
    upload = hook.open_upload(table, DAY)
    schema = hook.describe(table)
    assert schema is not None
    columns = {"p": pa.array([0] * len(offsets), pa.int64()), "o": pa.array(offsets, pa.int64())}
    rest = {c.name: pa.nulls(len(offsets), pa.string()) for c in schema.columns if c.name not in columns}
    upload.write_block(0, [pa.record_batch(columns | rest, schema=schema.arrow)])
    upload.commit(1)


def test_every_statement_of_a_load_finds_its_table(
    hook: OdpsHook, table: TableName, capfd: pytest.CaptureFixture[str]
) -> None:
    """The table, its partition and its new columns are made, and rows are counted and removed, where they are."""
    sink = sink_of(hook, table)
    sink.ensure()
    said = "".join(capfd.readouterr())
    assert (said.count("CREATE TABLE"), said.count(f"there is no table {table}: it is created")) == (1, 1)
    load(hook, table, 1, 2, 3)
    finder = window_rows_sql(MAPPED, table, SCHEMA, DAY)
    assert finder is not None
    rows = TableWindowRows(hook, finder)
    assert rows.count(window_of((2, 9))).rows == 2
    assert [found.rows for found in rows.offsets(window_of((0, 9))).values()] == [3]
    assert rows.await_removal(rows.start_removal(window_of((2, 9)), uuid.uuid4().hex)) is None
    assert visible_rows(sink, rows).rows() == 1
    hook.add_columns(table, columns_of({"later": "string"}))
    hook.create_partition(table, PartitionSpec.parse("ds=20261123"))
    load(hook, table, 7)
    assert visible_rows(sink, rows).rows() == 2


def test_a_rejects_table_is_made_where_it_is_looked_for(hook: OdpsHook, table: TableName) -> None:
    """The table of rejects and the partition of a load are created and found by the same name."""
    rejects = RejectTable(hook, table, PartitionSpec.parse("load_id=r1"), print)
    assert not rejects.stale()
    rejects.open_upload().commit(0)
    assert rejects.stale()


def test_a_schema_with_the_name_of_the_project_is_left_alone(odps_hook: OdpsHook, endpoint: RunningEndpoint) -> None:
    """Where a schema has the project's name, statements on `project.table` do not reach into it."""
    project, name = endpoint.project, f"n_{uuid.uuid4().hex[:12]}"
    three = {"odps.namespace.schema": "true"}
    odps_hook.run_sql(f"CREATE SCHEMA IF NOT EXISTS {project}")
    odps_hook.run_sql(f"CREATE TABLE {project}.{project}.{name} (p BIGINT, o BIGINT) PARTITIONED BY (ds STRING)", three)
    odps_hook.run_sql(f"INSERT INTO {project}.{project}.{name} PARTITION (ds='20261122') VALUES (0, 1), (0, 2)", three)
    ours = odps_hook.resolve(TableName(name, project))
    sink = sink_of(odps_hook, ours)
    sink.ensure()
    load(odps_hook, ours, 1, 2, 3)
    finder = window_rows_sql(MAPPED, ours, SCHEMA, DAY)
    assert finder is not None
    rows = TableWindowRows(odps_hook, finder)
    assert rows.count(window_of((0, 9))).rows == 3
    assert rows.await_removal(rows.start_removal(window_of((0, 9)), uuid.uuid4().hex)) is None
    theirs = odps_hook.run_sql(f"SELECT COUNT(*) AS n FROM {project}.{project}.{name}", three)
    assert theirs.column("n").to_pylist() == [2]
    odps_hook.run_sql(f"DROP SCHEMA {project} CASCADE")


def settings_of(body: bytes) -> dict[str, Any]:
    """Return the settings of the statement that a request starts."""
    found = re.search(r"<Name>settings</Name>\s*<Value>(.*?)</Value>", body.decode(), re.DOTALL)
    assert found is not None
    settings: dict[str, Any] = json.loads(found[1].replace("&quot;", '"').replace("&#34;", '"'))
    return settings


@pytest.mark.parametrize("tenant", ["true", "false", None])
@pytest.mark.parametrize("schema", [None, "s"])
@pytest.mark.parametrize("asked", ["q.t", "q.x.t"])
def test_the_reading_is_in_the_statement(
    service: ScriptedService, make_hook: MakeHook, tenant: str | None, schema: str | None, asked: str
) -> None:
    """A table of another project keeps its reading: no schema of the connection and no tenant changes it."""
    parameters = {"Parameters": {"odps.namespace.schema": tenant}} if tenant else {}
    service.replies = [Reply(200, {"Tenant": parameters}), Reply(400, {"Code": "ParseError", "Message": "enough"})]
    hook = make_hook(service.url, **({"schema": schema} if schema else {}))
    table = TableName.parse(asked)
    changes: list[Callable[[], object]] = [
        lambda: hook.create_table(table, SCHEMA),
        lambda: hook.create_partition(table, DAY),
        lambda: hook.start_sql(rows_statement(table, ()), table),
    ]
    for change in changes:
        with pytest.raises(KafkaOdpsError):
            change()
        sent = settings_of(next(seen.body for seen in reversed(service.seen) if seen.method == "POST"))
        assert sent["odps.namespace.schema"] == ("true" if table.schema else "false"), sent
        assert "odps.default.schema" not in sent or table.schema
