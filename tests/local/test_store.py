"""Rows that are replaced while somebody is about to read them."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Table, TableName
from airflow_provider_kafka_odps.local.catalog.rows import read_rows
from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.sql.engine import Engine

NAME = TableName("p1", "default", "t")


def test_rows_that_are_replaced_after_a_look_at_the_catalog_are_found_anew() -> None:
    """Between the look and the pin somebody overwrites the table: its new rows are read, and no file is missing."""
    store = open_store("p1", None, lambda: 100)
    engine = Engine(store, lambda: 200_000, "me")
    engine.run("CREATE TABLE t (k BIGINT); INSERT INTO t VALUES (1)", {})
    overwrites = [2, 3]

    def find(catalog: Catalog) -> Table:
        found = catalog.tables[NAME]
        if overwrites:
            engine.run(f"INSERT OVERWRITE TABLE t VALUES ({overwrites.pop(0)})", {})
        return found

    with store.reading(find, lambda table: [table]) as table:
        (partition,) = table.partitions.values()
        engine.run("INSERT OVERWRITE TABLE t VALUES (9)", {})
        assert read_rows(store.blobs, partition.blobs, table.columns).to_pylist() == [{"k": 3}]
    assert len(store.blobs.names()) == 1


def test_a_table_that_is_dropped_after_a_look_is_looked_for_again() -> None:
    """What finds it says then that it is gone; nothing stays pinned."""
    store = open_store("p1", None, lambda: 100)
    engine = Engine(store, lambda: 200_000, "me")
    engine.run("CREATE TABLE t (k BIGINT); INSERT INTO t VALUES (1)", {})
    looks: list[Table | None] = []

    def find(catalog: Catalog) -> Table | None:
        looks.append(catalog.find(NAME))
        if len(looks) == 1:
            engine.run("DROP TABLE t", {})
        return looks[-1]

    with store.reading(find, lambda table: [table] if table else []) as table:
        assert table is None
    assert (len(looks), store.blobs.names()) == (2, set())
