"""A collector of traces: what OpenTelemetry's exporter sends over HTTP, read by its own messages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as the collector has got it."""

    name: str
    id: bytes
    parent: bytes
    attributes: dict[str, Any]
    status: int
    message: str
    events: int
    started: int


@dataclass(slots=True)
class Collector:
    """What has come."""

    environment: dict[str, str]
    """The environment variables that lead an exporter here."""
    spans: list[Seen] = field(default_factory=list)

    def of(self, dag_id: str) -> dict[str, Seen]:
        """Return the spans of the tasks of a DAG, by their names: those of the last attempt."""
        tasks = [each for each in self.spans if each.attributes.get("airflow.dag_id") == dag_id]
        worker = max((each for each in tasks if each.name.startswith("worker.")), key=lambda each: each.started)
        below = sorted((each for each in self.spans if each.parent == worker.id), key=lambda each: each.started)
        return {worker.name: worker, **{each.name: each for each in below}}


@contextmanager
def trace_collector() -> Iterator[Collector]:
    """Run a collector on a free port until the block is left."""
    collector = Collector({})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.environment |= {
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}",
            "NO_PROXY": "127.0.0.1",
            # A task's process waits for the next time that it would have exported anyway: by default, five seconds.
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    span.name,
                    span.span_id,
                    span.parent_span_id,
                    {each.key: _value(each.value) for each in span.attributes},
                    span.status.code,
                    span.status.message,
                    len(span.events),
                    span.start_time_unix_nano,
                )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
