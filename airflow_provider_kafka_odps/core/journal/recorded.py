"""Whether the recorded window is what the parameters ask for now: it is loaded in any case, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_kafka_odps.core.window.bounds import At, Offsets, Previous
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.exceptions import InvalidInput


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


def as_recorded(request: WindowRequest, journal: Mapping[str, Any] | None) -> WindowRequest:
    """Return the request for what the journal of this run has recorded, in place of what is asked for now.

    A window of an earlier release does not say whether its partitions were asked for: it is so if they are now.
    """
    try:
        window = Window.from_json(journal["window"]) if journal is not None else None
    except (InvalidInput, KeyError):
        # Whoever goes on from it says so.
        return request
    if window is None:
        return request
    loaded = frozenset(each.partition for each in window.ranges)
    return replace(
        request,
        start=_bound(window.start, {each.partition: each.start for each in window.ranges}),
        end=_bound(window.end, {each.partition: each.end for each in window.ranges}),
        partitions=loaded if window.chosen or request.partitions == loaded else None,
    )


def _bound(bound: ResolvedBound, offsets: Mapping[int, int]) -> At | Offsets:
    return Offsets(None, offsets) if bound.instant is None else At(round(bound.instant.timestamp() * 1000))
