"""A window in words: the line that says in the log what is loaded, and the bounds that a receipt begins with."""

from __future__ import annotations

from datetime import datetime

from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window

_PARTITIONS = 8
"""How many partitions a line lists."""


_CUT_SHORT = ", cut short by "
"""What stands in the source of an end that was not reached."""


def window_line(window: Window) -> str:
    """Return what the log says of a window before anything of it is read.

    ``window orders 2026-11-29T03:00Z → 04:00Z, 100 offsets: orders[0]@[398, 498), 2 partitions without any``

    A window without offsets lists where in the log it lies.
    """
    filled = [each for each in window.ranges if each.span]
    listed = filled or window.ranges
    parts = [str(each) for each in listed[:_PARTITIONS]]
    if more := listed[_PARTITIONS:]:
        parts.append(f"and {_counted(len(more), 'partition')} more with {sum(each.span for each in more)}")
    if filled and (empty := len(window.ranges) - len(filled)):
        parts.append(f"{_counted(empty, 'partition')} without any")
    return f"window {bounds_text(window)}, {_counted(window.span, 'offset')}: {', '.join(parts)}"


def bounds_text(window: Window) -> str:
    """Return topic and bounds, such as ``orders 2026-11-29T03:00Z → 04:00Z`` or ``orders earliest → latest``."""
    start, end = window.start, window.end
    to = _asked(end)
    if start.instant is not None and end.instant is not None and start.instant.date() == end.instant.date():
        to = _time_of_day(end.instant)
    _, cut, why = end.source.partition(_CUT_SHORT)
    return f"{window.topic} {_asked(start)} → {to}{f' (cut short by {why})' if cut else ''}"


def _asked(bound: ResolvedBound) -> str:
    if bound.instant is not None:
        return f"{bound.instant.date()}T{_time_of_day(bound.instant)}"
    # One for each partition: they are the offsets of the ranges.
    return "given offsets" if bound.asked.startswith("{") else bound.asked


def _time_of_day(instant: datetime) -> str:
    exact = "milliseconds" if instant.microsecond else "seconds" if instant.second else "minutes"
    return f"{instant.time().isoformat(exact)}Z"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
