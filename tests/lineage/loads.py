"""Loads that tests describe: what is known before, and what came of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.examples import orders, window_of

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.lineage.columns import Field
from airflow_provider_kafka_odps.lineage.description import KnownLoad, RejectsPlace
from airflow_provider_kafka_odps.lineage.names import DatasetName

TOPIC = DatasetName("kafka://a:9092", "orders")
TABLE = DatasetName("maxcompute://host", "shop.t")
REJECTS = DatasetName("maxcompute://host", "shop.t_rejects")
ASSET = DatasetName("maxcompute", "shop.t")
WINDOW = window_of((0, 3), (5, 5), (7, 9))


def known(**other: Any) -> KnownLoad:
    """Return what is known of a load into one partition."""
    load = KnownLoad(
        topic=(TOPIC, DatasetName("kafka://b:9092", "orders")),
        topic_name="orders",
        table=TABLE,
        table_name="shop.t",
        asset=ASSET,
        partition="ds=20261122,hh=10",
        mode=Mode.APPEND,
        fields=(Field("Id", "bigint"), Field("o", "bigint"), Field("c", "string"), Field("ds", "string")),
        columns={"id": "id | number", "o": "__offset__", "c": "'x'"},
        where="type = 'order'",
        formats={Part.KEY: "bytes", Part.VALUE: "json"},
        created=False,
        widened=False,
        staged=False,
        rejects=RejectsPlace(REJECTS, PartitionSpec.parse("load_id=run"), "shop.t_rejects (load_id=run)"),
    )
    return replace(load, **other)


def receipt(**other: Any) -> Receipt:
    """Return the receipt of a load of three rows, a reject and a record that was left out."""
    counts = {orders(0): Counts(2, 1, 0), orders(2): Counts(1, 0, 0, filtered=1, late=1)}
    done = Receipt(WINDOW, "shop.t", "ds=20261122,hh=10", Mode.APPEND, "u1", 2, counts, 900, 0, {})
    return replace(done, **other)
