"""Rejects are kept in the order of partitions and offsets, and few of them in memory, whoever finds them when."""

from __future__ import annotations

import pyarrow as pa
import pytest
from core.world import World, attempt_at, batch_of, cluster_of, resources
from hypothesis import given
from hypothesis import strategies as st
from twins.maxcompute import RejectSink
from twins.spool import Spool

from airflow_provider_kafka_odps.core.accounting.rejects import reject_rows
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load.reject_order import RejectOrder
from airflow_provider_kafka_odps.core.load.rejecting import Rejecting
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.options import Mode

_SIZES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=12)
"""Of batches of rejects: the partition, and how many they are."""


class _Spool(Spool):
    """Knows whether it is closed, and how much is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.put_away, self.closed = 0, False

    def put(self, rows: pa.RecordBatch) -> None:
        super().put(rows)
        self.put_away += rows.nbytes

    def close(self) -> None:
        super().close()
        self.closed = True


def _rows(partition: int, offsets: range) -> pa.RecordBatch:
    batch = batch_of(partition, dict.fromkeys(offsets, b"x"))
    return reject_rows(batch, [Reject("orders", partition, at, "v", "no", None, row) for row, at in enumerate(offsets)])


def _batches(sizes: list[tuple[int, int]]) -> list[pa.RecordBatch]:
    ends = dict.fromkeys(range(3), 0)
    found = []
    for partition, count in sizes:
        start = ends[partition]
        # Between two batches with rejects there are records that fit.
        ends[partition] = start + count + 1
        found.append(_rows(partition, range(start, start + count)))
    return found


@given(sizes=_SIZES, chance=st.randoms(use_true_random=False), most=st.integers(1, 900))
def test_rejects_are_in_order_whoever_brings_them_when(sizes: list[tuple[int, int]], chance: object, most: int) -> None:
    """All of them, by partition and offset; and never more of them in memory than a batch beyond what may be there."""
    batches = _batches(sizes)
    arriving = batches[:]
    chance.shuffle(arriving)  # type: ignore[attr-defined]  # a Random of hypothesis
    spools: list[_Spool] = []

    def open_spool() -> _Spool:
        spools.append(_Spool())
        return spools[-1]

    order, arrived = RejectOrder(open_spool, most), 0
    for rows in arriving:
        order.add(rows)
        arrived += rows.nbytes
        assert arrived - sum(each.put_away for each in spools) < most
    found = [(row["kafka_partition"], row["kafka_offset"]) for rows in order for row in rows.to_pylist()]
    assert found == sorted(found)
    assert len(found) == sum(rows.num_rows for rows in batches)
    order.close()
    assert all(each.closed for each in spools)
    assert len(spools) <= 1


@given(chance=st.randoms(use_true_random=False))
def test_the_blocks_of_rejects_are_the_same_whoever_brings_them_when(chance: object) -> None:
    """What is written under which number, too: a place that has them block by block has them in order."""
    found = []
    for shuffled in (False, True):
        batches = _batches([(number % 3, 1 + number % 4) for number in range(9)])
        if shuffled:
            chance.shuffle(batches)  # type: ignore[attr-defined]  # a Random of hypothesis
        world = World()
        rejecting = Rejecting(RejectSink(world), Spool)
        for rows in batches:
            rejecting.add(rows)
        sealed = rejecting.seal()
        assert sealed is not None
        assert sealed.rows == 21
        found.append(world.reject_sessions[sealed.upload_id].blocks)
    assert found[0] == found[1]


@pytest.mark.parametrize("lanes", [1, 4])
def test_several_lanes_tell_and_keep_the_rejects_that_one_does(lanes: int) -> None:
    """A load by lanes, block by block: its log shows the same rejects, and the same are kept in the same order."""
    told = []
    for concurrency in (0, lanes):
        world = World(cluster=cluster_of([b"1" if at % 3 else b"x" for at in range(60)], [b"y", b"2", b"z"]))
        attempt = attempt_at(
            world,
            Mode.APPEND,
            columns={"p": "__partition__", "o": "__value__", "v": "__offset__"},
            record_format=RecordFormat(value=Format.STRING),
            rejects=RejectSink(world),
            limits=resources(concurrency),
        )
        receipt = transfer(attempt)
        assert (receipt.rejects, receipt.rows, receipt.blocks) == (22, 41, 63)
        told.append((world.reject_sessions["r1"].blocks, world.warned))
    assert told[0] == told[1]
    assert [row[:2] for rows in told[0][0].values() for row in rows] == [
        *((0, 3 * at) for at in range(20)),
        (1, 0),
        (1, 2),
    ]
