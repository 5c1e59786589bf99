"""Partitions that the rows of an INSERT name: what may name one, and INSERTs that fail once they run."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.catalog.store import Store, open_store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.engine import Engine
from airflow_provider_kafka_odps.local.sql.writing import dynamic_partitions
from airflow_provider_kafka_odps.local.sql.writing.doomed import CancelledError, Doom

INSERT = "INSERT INTO t PARTITION (ds) SELECT a, ds FROM s"


@pytest.fixture
def store() -> Store:
    """Return an empty store in memory."""
    return open_store("p1", None, lambda: 100)


@pytest.fixture
def engine(store: Store) -> Engine:
    """Return an engine on it, with rows for three partitions."""
    return engine_on(store)


def engine_on(store: Store, *, strict: bool = False) -> Engine:
    """Return an engine with a partitioned table, and rows of three days."""
    engine = Engine(store, lambda: 200_000, "me", strict=strict)
    engine.run("CREATE TABLE t (a BIGINT) PARTITIONED BY (ds STRING); CREATE TABLE s (a BIGINT, ds STRING)", {})
    engine.run("INSERT INTO s VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, 'x')", {})
    return engine


def rows(store: Store) -> dict[str, int]:
    """Return the rows of each partition."""
    table = store.catalog.tables[TableName("p1", "default", "t")]
    return {dict(spec)["ds"]: partition.rows for spec, partition in table.partitions.items()}


def test_rows_go_into_the_partitions_that_they_name(engine: Engine, store: Store) -> None:
    """Partitions are made as they are needed, with the setting that brings their rows together."""
    engine.run(INSERT, {"odps.sql.reshuffle.dynamicpt": "true"})
    assert rows(store) == {"x": 2, "y": 1, "z": 1}


@pytest.mark.parametrize("value", ["NULL", "''", "'é'", f"'{'x' * 256}'"])
def test_what_names_no_partition(engine: Engine, store: Store, value: str) -> None:
    """NULL, nothing, what is not ASCII, more than 255 bytes: the statement fails whole."""
    engine.run(f"INSERT INTO s VALUES (5, {value})", {})
    with pytest.raises(SqlError, match=r"ODPS-0123031:Partition exception - invalid dynamic partition value: ds="):
        engine.run(INSERT, {})
    assert rows(store) == {}


def test_a_clustered_table_takes_no_dynamic_partitions(engine: Engine, store: Store) -> None:
    """A static one it does."""
    engine.run("ALTER TABLE t CLUSTERED BY (a) SORTED BY (a) INTO 2 BUCKETS", {})
    with pytest.raises(SqlError, match=r"Unsupported feature - dynamic partitions of p1\.t, which is clustered"):
        engine.run(INSERT, {})
    engine.run("INSERT INTO t PARTITION (ds='x') SELECT a FROM s", {})
    assert rows(store) == {"x": 4}


@pytest.mark.parametrize(
    ("limit", "says"),
    [("MOST_OF_A_JOB", "cannot output data to more than"), ("MOST_OF_A_TABLE", "maximum 2 partitions allowed")],
)
def test_limits(store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, says: str) -> None:
    """They are enforced where the endpoint is strict."""
    monkeypatch.setattr(dynamic_partitions, limit, 2)
    with pytest.raises(SqlError, match=says):
        engine_on(store, strict=True).run(INSERT, {})
    assert rows(store) == {}


def test_many_partitions_of_an_endpoint_that_is_not_strict(
    engine: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody counts."""
    monkeypatch.setattr(dynamic_partitions, "MOST_OF_A_JOB", 2)
    engine.run(INSERT, {})
    assert len(rows(store)) == 3


@pytest.mark.parametrize("part", [False, True])
def test_an_insert_that_fails_once_it_runs(engine: Engine, store: Store, part: bool) -> None:
    """It leaves nothing, or the rows of one partition; the next one is as ever."""
    engine.doomed.waiting.append(Doom("ODPS-0110999:a worker was lost", part=part))
    with pytest.raises(SqlError, match="ODPS-0110999:a worker was lost"):
        engine.run(INSERT, {})
    found = rows(store)
    assert len(found) == part
    engine.run(INSERT, {})
    assert sum(rows(store).values()) == 4 + sum(found.values())


def test_an_insert_that_is_cancelled(engine: Engine) -> None:
    """The instance is to be shown as such."""
    engine.doomed.waiting.append(Doom("ODPS-0130252:Cancelled", cancelled=True))
    with pytest.raises(CancelledError):
        engine.run(INSERT, {})
