"""Rows are counted by the partition that they belong to, and too many partitions are refused with their names."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.core.options import partitions_allowed
from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.routing.rows_per_partition import RowsPerPartition
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.exceptions import InvalidInput, RecordsRejected

DAYS = Routes(None, {"ds": "day"})
HOURS = Routes(PartitionSpec.parse("region=cn"), {"ds": "day", "hh": "hour"})


def counted(*values: Sequence[object], levels: Sequence[str]) -> RowsPerPartition:
    """Return what is counted of rows with these values."""
    found = RowsPerPartition()
    columns = [pa.array(list(column)) for column in zip(*values, strict=True)]
    found.add(pa.RecordBatch.from_arrays(columns, list(levels)), levels)
    return found


def test_one_level() -> None:
    """Each value is a partition."""
    found = counted(("b",), ("a",), ("b",), levels=["ds"]).of(DAYS, 2)
    assert {str(each): rows for each, rows in found.items()} == {"ds=a": 1, "ds=b": 2}
    assert [str(each) for each in found] == ["ds=a", "ds=b"]


def test_several_levels_and_several_processes() -> None:
    """Each pair of values is one, behind what is given; what others have counted is added."""
    found = counted(("a", 1), ("a", 2), ("a", 1), levels=["ds", "hh"])
    found.merge(pickle.loads(pickle.dumps(counted(("a", 1), ("b", 1), levels=["ds", "hh"]))))
    assert {str(each): rows for each, rows in found.of(HOURS, 3).items()} == {
        "region=cn,ds=a,hh=1": 3,
        "region=cn,ds=a,hh=2": 1,
        "region=cn,ds=b,hh=1": 1,
    }


def test_without_levels_nothing_is_counted() -> None:
    """As in every load whose partition is given."""
    found = RowsPerPartition()
    found.add(pa.RecordBatch.from_pydict({"v": ["a"]}), ())
    assert found.of(DAYS, 1) == {}


def test_too_many_partitions_are_named() -> None:
    """The ten rarest tell of garbage, the ten commonest of what was meant."""
    rows = [(f"{day:02}",) for day in range(30) for _ in range(day + 1)]
    with pytest.raises(RecordsRejected) as refused:
        counted(*rows, levels=["ds"]).of(DAYS, 29)
    text = str(refused.value)
    assert "belong to 30 partitions or more, and max_partitions=29 allows 29. Nothing is visible" in text
    assert "The rarest: ds=00 (1), ds=01 (2), " in text
    assert "ds=09 (10). The commonest: ds=29 (30), " in text
    assert "ds=20 (21). " in text
    assert "epoch_ms" in text


def test_counting_ends_where_no_load_can_be_meant() -> None:
    """Memory is bounded: an expression that gives another value for every record is refused while it is read."""
    found = RowsPerPartition()
    with pytest.raises(RecordsRejected, match=r"10001 partitions or more, and a load can have 2000"):
        found.add(pa.RecordBatch.from_pydict({"ds": [str(each) for each in range(10_001)]}), ["ds"])


@pytest.mark.parametrize("most", [0, -1, 2001, True, "64"])
def test_what_is_no_number_of_partitions(most: int) -> None:
    """It is refused as it stands."""
    with pytest.raises(InvalidInput, match=r"max_partitions=.*: a number from 1 to 2000"):
        partitions_allowed(most)


def test_numbers_of_partitions() -> None:
    """From one to the most that a statement names."""
    assert [partitions_allowed(most) for most in (1, 64, 2000)] == [1, 64, 2000]
