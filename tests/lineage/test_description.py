"""What is told of a load, by how far it got and by what it did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core.examples import window_of
from lineage.loads import ASSET, REJECTS, TABLE, TOPIC, WINDOW, known, receipt

from airflow_provider_kafka_odps.core.accounting.counts import RejectsUpload
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.lineage.columns import ColumnSource
from airflow_provider_kafka_odps.lineage.description import MOST_PARTS, Statistics, Subset, describe
from airflow_provider_kafka_odps.lineage.names import DatasetName

DAYS = {PartitionSpec.parse("ds=20261121"): 1, PartitionSpec.parse("ds=20261122"): 2}


def test_a_load_reads_a_topic_and_writes_a_table() -> None:
    """Names, what else means the same, offsets as subsets, numbers, the columns' sources and the filter."""
    told = describe(known(), WINDOW, receipt(), loaded=True)
    (topic,), (table,) = told.inputs, told.outputs
    assert (topic.name, topic.others) == (TOPIC, (DatasetName("kafka://b:9092", "orders"),))
    assert topic.subsets == (
        Subset("orders[0]@[0, 3)", {"partition": 0, "start": 0, "end": 3}),
        Subset("orders[2]@[7, 9)", {"partition": 2, "start": 7, "end": 9}),
    )
    assert topic.statistics == Statistics(rows=5)
    assert (table.name, table.others, table.fields) == (TABLE, (ASSET,), known().fields)
    assert table.subsets == (Subset("ds=20261122,hh=10", {"ds": "20261122", "hh": "10"}),)
    assert table.statistics == Statistics(rows=3, bytes=900, files=2)
    # Under the names that the table has, and without the constant.
    assert table.columns == (
        ColumnSource("Id", "value.id", "id | number", changed=True, masked=False),
        ColumnSource("o", "offset", "__offset__", changed=False, masked=False),
    )
    assert (table.filters, table.change) == (("value.type",), None)


def test_the_run_facet_has_window_and_counts() -> None:
    """Whoever looks at a run sees what a receipt says, in a closed set of fields."""
    assert describe(known(), WINDOW, receipt(), loaded=True).run.given == {
        "topic": "orders",
        "table": "shop.t",
        "partition": "ds=20261122,hh=10",
        "mode": "append",
        "window": "orders earliest → latest",
        "plannedAt": "2026-11-22T11:00:07Z",
        "isolationLevel": "read_committed",
        "clusterId": "cluster",
        "topicId": "id-1",
        "offsets": 5,
        "partitions": 3,
        "loaded": True,
        "uploadId": "u1",
        "rows": 3,
        "rejects": 1,
        "filtered": 1,
        "gaps": 0,
        "missing": 0,
        "late": 1,
        "early": 0,
        "blocks": 2,
        "bytes": 900,
        "attempts": 1,
    }


def test_rows_that_a_rerun_keeps_are_not_told_again() -> None:
    """Nothing was read or written, and the mapping of today may be another one than theirs."""
    told = describe(known(), WINDOW, receipt(), loaded=False)
    (topic,), (table,) = told.inputs, told.outputs
    assert (topic.statistics, table.statistics, table.change) == (None, None, None)
    assert (table.columns, table.filters) == ((), ())
    assert table.fields
    assert table.subsets
    assert (told.run.loaded, told.run.rows) == (False, 3)


def test_a_load_that_fails_says_what_it_was_about() -> None:
    """Its datasets, so that whoever waits for the table finds the failed run, but nothing that is not there."""
    told = describe(known(), WINDOW, None, loaded=False)
    (topic,), (table,) = told.inputs, told.outputs
    assert (topic.statistics, table.statistics) == (None, None)
    assert (table.fields, table.columns) == ((), ())
    assert (told.run.window, told.run.rows, told.run.loaded) == ("orders earliest → latest", None, None)


def test_what_nobody_has_seen_is_not_named() -> None:
    """Before the plan the topic may be a wrong name; a table that was to be created may be missing still."""
    told = describe(known(created=True), None, None, loaded=False)
    assert told.inputs == told.outputs == ()
    assert told.run.given == {"topic": "orders", "table": "shop.t", "partition": "ds=20261122,hh=10", "mode": "append"}
    assert describe(known(topic=()), WINDOW, None, loaded=False).inputs == ()


@pytest.mark.parametrize(
    ("load", "done", "change"),
    [
        ({}, {}, None),
        ({"created": True}, {}, "CREATE"),
        # An empty window creates the table, too, but replaces nothing.
        ({"created": True}, {"upload_id": None}, "CREATE"),
        ({"mode": Mode.OVERWRITE}, {"upload_id": None}, None),
        ({"mode": Mode.OVERWRITE}, {}, "OVERWRITE"),
        ({"widened": True}, {}, "ALTER"),
        # What a load before this one has added is no news.
        ({}, {"drift": {"added": ["x string"], "ignored": []}}, None),
        # Of the two, the columns are what others have to know.
        ({"mode": Mode.OVERWRITE, "widened": True}, {}, "ALTER"),
        ({"mode": Mode.OVERWRITE, "created": True}, {}, "CREATE"),
    ],
)
def test_what_became_of_the_table(load: dict[str, Any], done: dict[str, Any], change: str | None) -> None:
    """One word at most: made, changed, or written over."""
    (table,) = describe(known(**load), WINDOW, receipt(**done), loaded=True).outputs
    assert table.change == change


def test_partitions_that_records_say() -> None:
    """Each is named, also one that only lost rows; the staging table is not, and nobody has counted the files."""
    emptied = (PartitionSpec.parse("ds=20261120"),)
    routed = known(partition="ds=*", staged=True)
    (table,) = describe(routed, WINDOW, receipt(per_partition=DAYS, emptied=emptied), loaded=True).outputs
    assert table.name == TABLE
    assert table.subsets is not None
    assert [each.name for each in table.subsets] == ["ds=20261121", "ds=20261122", "ds=20261120"]
    assert table.statistics == Statistics(rows=3, bytes=900, files=None)
    # Before any record was read nobody knows them.
    assert describe(routed, WINDOW, None, loaded=False).outputs[0].subsets is None


def test_rejects_are_a_second_output() -> None:
    """Where there are some, with their number; without any, nothing is written there."""
    upload = RejectsUpload("shop.t_rejects (load_id=run)", "u2", 1, 4)
    _, rejects = describe(known(), WINDOW, receipt(rejected_to=upload), loaded=True).outputs
    assert (rejects.name, rejects.statistics) == (REJECTS, Statistics(rows=4, files=1))
    assert rejects.subsets == (Subset("load_id=run", {"load_id": "run"}),)
    assert len(describe(known(), WINDOW, receipt(), loaded=True).outputs) == 1
    assert len(describe(known(), WINDOW, receipt(rejected_to=upload), loaded=False).outputs) == 1
    # Of another run, which has loaded the interval before.
    elsewhere = receipt(rejected_to=replace(upload, place="shop.others (load_id=other)"))
    assert len(describe(known(), WINDOW, elsewhere, loaded=True).outputs) == 1


def test_a_table_without_partitions_has_no_subset() -> None:
    """All of it is what is written."""
    (table,) = describe(known(partition=None), WINDOW, receipt(), loaded=True).outputs
    assert table.subsets is None


@pytest.mark.parametrize(("partitions", "listed"), [(300, 300), (MOST_PARTS, MOST_PARTS), (MOST_PARTS + 1, None)])
def test_many_partitions(partitions: int, listed: int | None) -> None:
    """Hundreds are listed; of thousands none, for a list without some would be wrong."""
    window = window_of(*[(0, 1)] * partitions)
    (topic,) = describe(known(), window, receipt(window=window), loaded=True).inputs
    assert (None if topic.subsets is None else len(topic.subsets)) == listed


def test_an_empty_window_has_read_nothing() -> None:
    """Its subset is empty, which is another thing than no subset: that would mean all of the topic."""
    window = window_of((3, 3))
    done = receipt(window=window, upload_id=None, blocks=0, bytes=0, partitions={})
    told = describe(known(), window, done, loaded=True)
    assert (told.inputs[0].subsets, told.inputs[0].statistics) == ((), Statistics(rows=0))
    assert told.outputs[0].statistics == Statistics(rows=0, bytes=0, files=0)


def test_a_long_text_is_cut() -> None:
    """What somebody has pasted into a parameter does not fill the events."""
    given = describe(known(table_name="t" * 10_000), None, None, loaded=False).run.given
    assert given["table"] == "t" * 500 + "…"
