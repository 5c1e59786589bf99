"""Spans of a load, with OpenTelemetry's own SDK: the current one while they are open, and nobody's problem."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from core.examples import target_of, window_of
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_provider_kafka_odps.core.delivery.sections import Section
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.exceptions import Cancelled
from airflow_provider_kafka_odps.transfers.runtime.telemetry.spans import Spans, attributes

Traced = Callable[[SpanProcessor], TracerProvider]
TARGET = target_of()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Traced:
    """Return a function that has spans go through a processor until the test ends."""

    def traced(processor: SpanProcessor) -> TracerProvider:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        # A provider that is set once stays for the rest of the process.
        monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
        return provider

    return traced


class Failing(SpanProcessor):
    """What a user has plugged in, and it does not work."""

    def __init__(self, *, at_start: bool) -> None:
        self._at_start = at_start

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        """Fail, where that is wanted."""
        del span, parent_context
        if self._at_start:
            raise ConnectionError("no collector")

    def on_end(self, span: ReadableSpan) -> None:
        """Fail."""
        raise ConnectionError(f"no collector for {span.name}")


def test_a_span_is_the_current_one_until_it_ends(traced: Traced) -> None:
    """What others trace in the meantime, such as requests, is below it; afterwards all is as it was."""
    exported = InMemorySpanExporter()
    tracer = traced(SimpleSpanProcessor(exported)).get_tracer("others")
    said: list[str] = []
    spans = Spans(said.append)
    with tracer.start_as_current_span("worker.load") as task:
        spans.begin(Section.LOAD)
        tracer.start_span("GET").end()
        spans.end(Cancelled("the task was asked to stop"))
        assert trace.get_current_span() is task
    request, load, worker = exported.get_finished_spans()
    assert request.parent == load.get_span_context()
    assert load.parent == worker.get_span_context()
    assert (load.status.is_ok, load.status.description, list(load.events)) == (False, "Cancelled", [])
    assert (worker.status.status_code, said) == (trace.StatusCode.UNSET, [])


@pytest.mark.parametrize("at_start", [True, False])
def test_what_fails_is_told_once(traced: Traced, at_start: bool) -> None:
    """A load is not the worse for a trace that nobody gets: a line in its log, and the next section comes."""
    traced(Failing(at_start=at_start))
    said: list[str] = []
    spans = Spans(said.append)
    for section in Section:
        spans.begin(section)
        spans.tell(TARGET)
        spans.end()
    (line,) = said
    assert line.startswith("the load goes on, but its trace is not whole: ConnectionError: no collector")
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_without_a_tracer_nothing_is_done() -> None:
    """Where Airflow traces nothing, no span is current, and nothing is said."""
    said: list[str] = []
    spans = Spans(said.append)
    spans.begin(Section.PLAN)
    spans.tell(TARGET)
    assert not trace.get_current_span().is_recording()
    spans.end(Cancelled("the task was asked to stop"))
    assert said == []


def test_what_is_not_known_is_not_there() -> None:
    """A window that is to be loaded again has no upload; the one of before is not this load's."""
    entry = Journal(Phase.PLANNED, TARGET, window_of((5, 9)), 0, upload_id="u1")
    assert {name for name, value in attributes(entry).items() if value is not None} == {
        "messaging.system",
        "messaging.destination.name",
        "db.system.name",
        "db.collection.name",
        "kafka_odps.mode",
        "kafka_odps.window.span",
    }
