"""What of a window the log does not have any more."""

from dataclasses import replace

import pytest
from core.examples import facts_of, window_of

from airflow_provider_kafka_odps.core.window.facts import EpochEnd, PartitionFacts
from airflow_provider_kafka_odps.core.window.losses import LossKind, losses, raise_all, refusal, truncations
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.exceptions import LogTooShort, OffsetsExpired, UnknownPartition, WindowRefused

FACTS = facts_of(PartitionFacts(0, low=40, high=90, stable=80))
EXPIRED, BEYOND, NO_PARTITION = LossKind


def lost(start: int, end: int, partition: int = 0) -> list[tuple[LossKind, int, int]]:
    """Return what is lost of one range."""
    found = losses([OffsetRange("orders", partition, start, end)], FACTS)
    return [(loss.kind, loss.lost.start, loss.lost.end) for loss in found]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (40, 90, []),
        (50, 60, []),
        (90, 90, []),
        (85, 90, []),
        (39, 41, [(EXPIRED, 39, 40)]),
        (10, 20, [(EXPIRED, 10, 20)]),
        (89, 91, [(BEYOND, 90, 91)]),
        (100, 120, [(BEYOND, 100, 120)]),
        (30, 120, [(EXPIRED, 30, 40), (BEYOND, 90, 120)]),
    ],
)
def test_what_is_lost_is_what_the_log_does_not_have(
    start: int, end: int, expected: list[tuple[LossKind, int, int]]
) -> None:
    """Offsets below the log start and beyond its end are lost, no others; undecided ones are only waited for."""
    assert lost(start, end) == expected


def test_a_partition_that_is_not_there_is_lost_whole() -> None:
    """A partition that the topic does not have has no offset to give."""
    assert lost(3, 5, partition=7) == [(NO_PARTITION, 3, 5)]


@pytest.mark.parametrize(
    ("ranges", "kind"),
    [
        ([(0, 30, 40), (0, 20, 30)], OffsetsExpired),
        ([(0, 80, 91)], LogTooShort),
        ([(7, 0, 1)], UnknownPartition),
        ([(0, 30, 91)], WindowRefused),
    ],
)
def test_the_refusal_names_all_that_is_lost(ranges: list[tuple[int, int, int]], kind: type[WindowRefused]) -> None:
    """One error has every loss with its numbers, and what allows it; of one kind it has that kind's name."""
    found = list(losses([OffsetRange("orders", *each) for each in ranges], FACTS))
    error = refusal(found)
    assert type(error) is kind
    assert [str(loss) in str(error) for loss in found] == [True] * len(found)
    assert str(error).endswith("Set on_data_loss='skip' to load what is there")


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (EpochEnd(5, 100), None),
        (EpochEnd(5, 170), None),
        (EpochEnd(5, 99), "orders[1]@[99, 100)"),
        (EpochEnd(5, 41), "orders[1]@[41, 100)"),
        (EpochEnd(5, 7), "orders[1]@[40, 100)"),
        (EpochEnd(4, 60), "orders[1]@[60, 100)"),
        (EpochEnd(4, 100), "orders[1]@[?, 100)"),
        (EpochEnd(4, 170), "orders[1]@[?, 100)"),
        (EpochEnd(0, 170), "orders[1]@[?, 100)"),
        (None, "orders[1]@[?, 100)"),
    ],
    ids=str,
)
def test_a_log_that_has_not_what_was_planned_is_truncated(answer: EpochEnd | None, lost: str | None) -> None:
    """A log has a range as it was only if it has the epoch of its last offset, up to that offset."""
    window = replace(window_of((0, 10), (40, 100), (7, 7)), epochs={1: 5})
    found = [*truncations(window, {1: answer}, lambda: None)]
    assert [each.lost for each in found] == ([] if lost is None else [lost])
    assert all("orders[1]: the window ends at 100, which was written in leader epoch 5" in str(each) for each in found)


def test_what_later_records_have_replaced_is_not_truncated() -> None:
    """A compacted log need not have anything of an epoch; what ends below the window is truncated all the same."""
    window = replace(window_of((40, 100)), epochs={0: 5})
    assert [*truncations(window, {0: EpochEnd(4, 170)}, lambda: "compact")] == []
    assert len([*truncations(window, {0: EpochEnd(4, 99)}, lambda: "compact")]) == 1
    assert len([*truncations(window, {0: None}, lambda: "compact")]) == 1


def test_what_nobody_tells_is_no_truncation() -> None:
    """Without an epoch in the window, or without an answer of the broker, nothing is known."""
    window = window_of((40, 100))
    assert [*truncations(window, {0: EpochEnd(4, 60)}, lambda: "delete")] == []
    assert [*truncations(replace(window, epochs={0: 5}), {}, lambda: "delete")] == []


def test_what_is_to_be_done_is_said_once() -> None:
    """Of many partitions with one problem the first ten are listed, and the advice stands once, as the last line."""
    told = [OffsetsExpired(f"orders[{number}]: 5 offsets were deleted\nStart later") for number in range(13)]
    with pytest.raises(OffsetsExpired) as raised:
        raise_all(told)
    lines = str(raised.value).splitlines()
    assert lines[:2] == ["orders[0]: 5 offsets were deleted", "orders[1]: 5 offsets were deleted"]
    assert lines[9:] == ["orders[9]: 5 offsets were deleted", "… and 3 more partitions", "Start later"]


def test_different_problems_keep_their_advice() -> None:
    """Each piece of advice is there, in the order of the problems."""
    with pytest.raises(WindowRefused) as raised:
        raise_all([OffsetsExpired("orders[0]: gone\nStart later"), LogTooShort("orders[1]: not yet\nLoad later")])
    assert str(raised.value).splitlines() == ["orders[0]: gone", "orders[1]: not yet", "Start later", "Load later"]
