"""What of a window the log does not have any more."""

import pytest
from core.examples import facts_of

from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.losses import LossKind, losses, refusal
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
