"""Whether the recorded window is what the parameters ask for now: it is loaded in any case, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.core.window.bounds import Previous
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window


def differences(window: Window, request: WindowRequest) -> tuple[str, ...]:
    """Return a line for each parameter that asks for something else than what is recorded.

    The first window of a chain starts where ``first_start`` said, which is not asked for any more: its start is not
    compared.
    """
    return tuple(
        f"{name}: {recorded} recorded, {asked} asked for" for name, recorded, asked in _compared(window, request)
    )


def _compared(window: Window, request: WindowRequest) -> Iterator[tuple[str, object, object]]:
    if not isinstance(request.start, Previous) and str(request.start) != window.start.asked:
        yield "start", window.start.asked, request.start
    if str(request.end) != window.end.asked:
        yield "end", window.end.asked, request.end
    loaded = [each.partition for each in window.ranges]
    if request.partitions is None and (window.chosen or loaded != list(range(len(loaded)))):
        # A window of an earlier release does not say what it was asked for, but no topic lacks a number.
        yield "partitions", loaded, "all"
    if request.partitions is not None and sorted(request.partitions) != loaded:
        yield "partitions", loaded, sorted(request.partitions)
    if request.isolation_level is not window.isolation_level:
        yield "isolation_level", window.isolation_level, request.isolation_level
