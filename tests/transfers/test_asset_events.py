"""What a run may ask for, and what it tells those whom the table's asset triggers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from core.examples import orders, target_of, window_of

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnGap
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Latest, Offsets, Previous, Side
from airflow_provider_kafka_odps.core.window.parsing import Interval
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.runtime.assets import event_of, partition_keys
from airflow_provider_kafka_odps.transfers.runtime.run import refuse_half_an_interval, refuse_repeated_offsets

TEN = Offsets(10, {})


def receipt_of(upload_id: str | None) -> Receipt:
    """Return the receipt of a load of three rows, or of none."""
    rows = 3 if upload_id else 0
    return Receipt(
        window_of((0, rows)), "shop.t", None, Mode.APPEND, upload_id, 1, {orders(0): Counts(rows, 0, 0)}, 9, 0, {}
    )


def test_offsets_in_the_conf_of_a_backfill_are_refused() -> None:
    """Every run of the backfill has this conf, so every run would load these offsets."""
    with pytest.raises(
        InvalidInput, match=r"the conf \{'start': 10\}.* the offsets 10\. .*Trigger the DAG once by hand"
    ):
        refuse_repeated_offsets("backfill", {"start": 10}, TEN, Latest())


@pytest.mark.parametrize(
    ("run_type", "conf", "bound"),
    [("manual", {"start": 10}, TEN), ("backfill", {}, TEN), ("backfill", None, TEN), ("backfill", {"a": 1}, At(10))],
)
def test_other_runs_may_ask_for_what_they_like(run_type: str, conf: dict[str, int] | None, bound: At | Offsets) -> None:
    """A manual run has its offsets to itself; a backfill by time, or without a conf, repeats nothing."""
    refuse_repeated_offsets(run_type, conf, bound, Latest())


@pytest.mark.parametrize(
    ("before", "cleared", "upload", "changed"),
    [
        (None, 0, "u1", True),
        (None, 0, None, False),
        (Phase.UPLOADING, 0, "u1", True),
        # The attempt before committed, and died before Airflow knew: nobody has been told yet.
        (Phase.COMMITTED, 0, "u1", True),
        (Phase.COMMITTED, 1, "u1", False),
        # The rows were loaded again.
        (Phase.COMMITTED, 1, "u2", True),
    ],
)
def test_the_event_says_whether_anything_changed(
    before: Phase | None, cleared: int, upload: str | None, changed: bool
) -> None:
    """Only rows that a user's clear has left as they were are no news, and a window without any."""
    entry = None
    if before is not None:
        journal = Journal(Phase.COMMITTED, target_of(), window_of((0, 3)), 0, "u1", receipt_of("u1"))
        entry = replace(journal, phase=before).to_json()
    event = event_of(receipt_of(upload), entry, cleared)
    assert (event["changed"], event["upload_id"], event["rows"]) == (changed, upload, 3 if upload else 0)


def test_the_event_says_what_a_list_of_loads_shows() -> None:
    """How rows came into the table, and what did not become one: nobody who lists loads asks for each receipt."""
    counts = {orders(0): Counts(1, 2, 0, late=4, missing=3), orders(1): Counts(1, 1, 0, late=1)}
    told = event_of(replace(receipt_of("u1"), partitions=counts), None, 0)
    assert (told["mode"], told["rejects"], told["late"], told["missing"]) == ("append", 3, 5, 3)


def test_the_event_says_how_much_came_and_how_fast() -> None:
    """Blocks are files, and a load that is slow is seen where it matters; an earlier release has not told its pace."""
    receipt = receipt_of("u1")
    told = event_of(replace(receipt, speed=Speed(pace=9_800_000)), None, 0)
    assert (told["blocks"], told["bytes"], told["pace"]) == (1, 9, 9_800_000)
    assert event_of(receipt, None, 0)["pace"] is None


def test_the_event_says_where_the_logs_ended() -> None:
    """Whoever is triggered by a load knows how far behind it is; of a window that an earlier release planned, not."""
    receipt = receipt_of("u1")
    known = replace(receipt, window=replace(receipt.window, log_ends={0: 5}))
    event = event_of(known, None, 0)
    assert event["log_end"] == event["window"]["log_end"] == {"0": 5}
    assert "log_end" not in event_of(receipt, None, 0)


def test_the_event_has_the_rows_of_each_partition() -> None:
    """Of a load whose records say the partition; whoever it triggers knows where there is news."""
    places = {PartitionSpec.parse("ds=20261122"): 2, PartitionSpec.parse("ds=20261123"): 1}
    event = event_of(replace(receipt_of("u1"), partition="ds=*", per_partition=places), None, 0)
    assert (event["partition"], event["per_partition"]) == ("ds=*", {"ds=20261122": 2, "ds=20261123": 1})
    assert "per_partition" not in event_of(receipt_of("u1"), None, 0)


BEGINS, ENDS = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC)
HOUR = Interval(BEGINS, ENDS)


@pytest.mark.parametrize(
    ("start", "end"), [(HOUR.at(Side.START), TEN), (TEN, HOUR.at(Side.END))], ids=["offsets end it", "offsets start it"]
)
def test_half_an_interval_is_refused(start: AskedBound, end: AskedBound) -> None:
    """The run beside it cuts the interval's own instant, so what lies between that and the offsets is in no window."""
    with pytest.raises(InvalidInput, match=r"start='previous'.*on_gap='ignore'"):
        refuse_half_an_interval(HOUR, start, end, OnGap.FAIL)
    with pytest.raises(InvalidInput, match=r"start='previous'"):
        refuse_half_an_interval(HOUR, start, end, OnGap.ABSORB)
    refuse_half_an_interval(HOUR, start, end, OnGap.IGNORE)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (HOUR.at(Side.START), HOUR.at(Side.END)),
        (HOUR.at(Side.START), Latest()),
        (At(5), TEN),
        (TEN, TEN),
        (Previous(), TEN),
        (Previous(), HOUR.at(Side.END)),
    ],
    ids=str,
)
def test_other_windows_are_no_half_intervals(start: AskedBound, end: AskedBound) -> None:
    """Who asks for other times, or for offsets alone, says where the window is; and a run may have no interval."""
    refuse_half_an_interval(HOUR, start, end, OnGap.FAIL)
    refuse_half_an_interval(Interval(None, None), start, end, OnGap.FAIL)


def test_a_partition_event_has_the_partitions_that_have_changed() -> None:
    """Those that got rows, those that were emptied, and those that the load before had filled; each once."""
    a, b, c, d = (PartitionSpec.parse(f"ds={value}") for value in "abcd")
    receipt = replace(receipt_of("u2"), partition="ds=*", per_partition={b: 1, a: 2}, emptied=(c,))
    assert partition_keys(receipt, None) == ["ds=a", "ds=b", "ds=c"]
    earlier = replace(receipt_of("u1"), partition="ds=*", per_partition={a: 1, d: 2})
    entry = Journal(Phase.COMMITTED, target_of(), window_of((0, 3)), 0, "u1", earlier)
    assert partition_keys(receipt, entry.to_json()) == ["ds=a", "ds=b", "ds=c", "ds=d"]
    assert partition_keys(receipt, entry.again(1).to_json()) == ["ds=a", "ds=b", "ds=c", "ds=d"]


def test_a_partition_event_of_a_given_partition() -> None:
    """It has that one; of a table without partitions there is none, and none that Airflow has no room for."""
    assert partition_keys(replace(receipt_of("u1"), partition="ds=1,hh=2"), None) == ["ds=1,hh=2"]
    assert partition_keys(replace(receipt_of("u1"), partition=None), None) == []
    assert partition_keys(replace(receipt_of("u1"), partition=f"ds={'x' * 248}"), None) == []
