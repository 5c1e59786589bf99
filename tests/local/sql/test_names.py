"""How names are read: of two parts, the first is a schema or a project, by the statement and then by the tenant."""

import pytest

from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.sql.engine import Engine

ON = {"odps.namespace.schema": "true"}
OFF = {"odps.namespace.schema": "false"}
UNSAID: dict[str, str] = {}


@pytest.fixture(params=[True, False], ids=["schemas", "no schemas"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return an engine whose project has two tables of one name, in the default schema and in one of another name."""
    tenant = Settings("p1", schemas=request.param).tenant
    engine = Engine(open_store("p1", None, lambda: 0), lambda: 200_000, "me", tenant)
    engine.run("CREATE SCHEMA s", ON)
    engine.run("CREATE TABLE p1.`default`.t (of_default BIGINT)", ON)
    engine.run("CREATE TABLE p1.s.t (of_s BIGINT)", ON)
    return engine


def column(engine: Engine, name: str, settings: dict[str, str]) -> str:
    """Return the only column of a table: it says which one was found."""
    return engine.run(f"SHOW COLUMNS FROM {name}", settings).text


@pytest.mark.parametrize(
    ("name", "settings", "found"),
    [
        ("t", ON, "of_default"),
        ("s.t", ON, "of_s"),
        ("p1.s.t", ON, "of_s"),
        ("t", ON | {"odps.default.schema": "s"}, "of_s"),
        ("t", OFF, "of_default"),
        ("p1.t", OFF, "of_default"),
        ("t", OFF | {"odps.default.schema": "s"}, "of_default"),
    ],
)
def test_the_statement_says_how_names_are_read(engine: Engine, name: str, settings: dict[str, str], found: str) -> None:
    """A statement with the setting is read by it, whatever the tenant has."""
    assert column(engine, name, settings) == found


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("p1.t", ON, "Schema not found - p1.p1"),
        ("p2.s.t", ON, "Project not found - 'p2'"),
        ("s.t", OFF, "Project not found - 's'"),
        ("p1.s.t", OFF, "p1.s.t has a schema, and odps.namespace.schema is false"),
    ],
)
def test_a_name_of_the_other_kind_is_refused(engine: Engine, name: str, settings: dict[str, str], said: str) -> None:
    """`project.table` is no name where names have schemas, and `schema.table` is none where they have not."""
    with pytest.raises(SqlError, match=said):
        column(engine, name, settings)


def test_the_tenant_decides_where_the_statement_does_not() -> None:
    """Without the setting in a statement, that of the tenant counts."""
    for schemas, name in ((True, "s.t"), (False, "p1.t")):
        engine = Engine(open_store("p1", None, lambda: 0), lambda: 0, "me", Settings("p1", schemas=schemas).tenant)
        engine.run("CREATE SCHEMA s", UNSAID)
        engine.run(f"CREATE TABLE {name} (a BIGINT)", UNSAID)
        shown = engine.run(f"SHOW CREATE TABLE {name}", UNSAID).text
        assert shown.startswith(f"CREATE TABLE IF NOT EXISTS {'p1.s.t' if schemas else 'p1.t'}(")
