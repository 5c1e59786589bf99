"""What people read of a window in the log and at the beginning of a receipt."""

from dataclasses import replace

import pytest
from core.examples import window_of

from airflow_provider_kafka_odps.core.journal.window_text import bounds_text, window_line
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window, capped


def between(start: str, end: str, *ranges: tuple[int, int]) -> Window:
    """Return a window that was asked for in these words."""
    return replace(
        window_of(*ranges or [(398, 798)]),
        start=ResolvedBound.written(start, "broker"),
        end=ResolvedBound.written(end, "broker"),
    )


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-11-29T03:00:00Z", "2026-11-29T04:00:00Z", "orders 2026-11-29T03:00Z → 04:00Z"),
        ("2026-11-29T23:00:00Z", "2026-11-30T00:00:00Z", "orders 2026-11-29T23:00Z → 2026-11-30T00:00Z"),
        ("2026-11-29T03:00:07Z", "2026-11-29T04:00:00.250000Z", "orders 2026-11-29T03:00:07Z → 04:00:00.250Z"),
        ("earliest", "latest", "orders earliest → latest"),
        ("previous", "2026-11-29T04:00:00Z", "orders previous → 2026-11-29T04:00Z"),
        ('{"0": 398, "1": 7}', "500", "orders given offsets → 500"),
    ],
)
def test_bounds_are_told_as_they_were_asked_for(start: str, end: str, text: str) -> None:
    """Instants in UTC, the day once, seconds where there are any; offsets of partitions are left to their ranges."""
    assert bounds_text(between(start, end)) == text


def test_an_end_that_was_not_reached_says_why() -> None:
    """Whoever reads 04:00 knows that not all until then is loaded."""
    window = capped(between("previous", "2026-11-29T04:00:00Z"), 100)
    assert bounds_text(window) == "orders previous → 2026-11-29T04:00Z (cut short by max_offsets=100)"


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ([(398, 498)], "100 offsets: orders[0]@[398, 498)"),
        ([(3, 4), (5, 5), (7, 7)], "1 offset: orders[0]@[3, 4), 2 partitions without any"),
        ([(5, 5), (7, 7)], "0 offsets: orders[0]@[5, 5), orders[1]@[7, 7)"),
    ],
)
def test_the_line_has_the_offsets(ranges: list[tuple[int, int]], text: str) -> None:
    """Their number and their ranges; of an empty window it says where the log stands."""
    assert window_line(between("earliest", "latest", *ranges)) == f"window orders earliest → latest, {text}"


def test_the_line_of_many_partitions_is_not_endless() -> None:
    """Eight of them are listed, and what the others have is summed up."""
    line = window_line(window_of(*[(0, 10)] * 100))
    assert line.count("@") == 8
    assert line.endswith("orders[7]@[0, 10), and 92 partitions more with 920")
