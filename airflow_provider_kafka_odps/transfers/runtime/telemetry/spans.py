"""The sections of a load as spans of its trace, below the task's own (docs/operations.md, "Traces")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, assert_never

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.core.delivery.sections import Known, Section
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase, Target
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.window.window import Window

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

Attributes: TypeAlias = Mapping[str, str | int | None]
"""Attributes of a span by their names; None: not known, or there is none."""


class Spans:
    """One span after the other, while each is open the current one; without a tracer of Airflow's nothing is done.

    An exporter or a processor that fails is in the log, once, and no reason for a load to fail.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        """Take what writes a line into the task's log."""
        self._log, self._failed = log, False
        self._span: Span | None = None
        self._token: Token[Context] | None = None

    def begin(self, section: Section) -> None:
        """Begin a span; the one before has ended."""
        self._safely(lambda: self._begin(f"kafka_odps.{section}"))

    def tell(self, known: Known) -> None:
        """Add attributes to the span."""
        self._safely(lambda: self._tell(known))

    def end(self, error: BaseException | None = None) -> None:
        """End the span; of an error it has the class alone.

        The text may show parts of records, and a trace is read by others than the task's log.
        """
        self._safely(lambda: self._fail(error))
        self._safely(self._detach)
        self._safely(self._end)

    def _begin(self, name: str) -> None:
        # Not at the top: parsing a DAG must stay cheap.
        from opentelemetry import context, trace

        self._span = trace.get_tracer("airflow_provider_kafka_odps", __version__).start_span(name)
        self._token = context.attach(trace.set_span_in_context(self._span))

    def _tell(self, known: Known) -> None:
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes({name: each for name, each in attributes(known).items() if each is not None})

    def _fail(self, error: BaseException | None) -> None:
        from opentelemetry.trace import Status, StatusCode

        if self._span is not None and error is not None:
            name = type(error).__name__
            self._span.set_attribute("error.type", name)
            self._span.set_status(Status(StatusCode.ERROR, name))

    def _detach(self) -> None:
        from opentelemetry import context

        token, self._token = self._token, None
        if token is not None:
            context.detach(token)

    def _end(self) -> None:
        span, self._span = self._span, None
        if span is not None:
            span.end()

    def _safely(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody looks on, and the load goes on
            if not self._failed:
                self._log(f"the load goes on, but its trace is not whole: {type(error).__name__}: {error}")
            self._failed = True


def attributes(known: Known) -> Attributes:
    """Return what is known as attributes: named by OpenTelemetry where it has a name for it, else by us."""
    match known:
        case Target():
            return _place(known.topic, known.table, known.partition, known.mode)
        case Journal():
            upload = {} if known.phase is Phase.PLANNED else {"kafka_odps.upload_id": known.upload_id}
            receipt = {} if known.receipt is None else attributes(known.receipt)
            return {**attributes(known.target), **_window(known.window), **receipt, **upload}
        case Receipt():
            return {
                **_place(known.window.topic, known.table, known.partition, known.mode),
                **_window(known.window),
                "kafka_odps.upload_id": known.upload_id,
                "kafka_odps.rows": known.rows,
                "kafka_odps.bytes": known.bytes,
                "kafka_odps.blocks": known.blocks,
                "kafka_odps.rejects": known.rejects,
                "kafka_odps.commit": known.learned,
                "kafka_odps.reconciled": known.reconciled,
            }
        case _:
            assert_never(known)


def _place(topic: str, table: str, partition: str | None, mode: str) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "db.system.name": "maxcompute",
        "db.collection.name": table,
        "kafka_odps.partition": partition,
        "kafka_odps.mode": mode,
    }


def _window(window: Window) -> Attributes:
    return {"kafka_odps.window.span": window.span}
