"""Spans by OpenTelemetry, for who installed `kizuna[otel]`: the same facts as the log's, and of a partner not even its name.

A span is made when what it tells of is over, with the moments it began and ended. The numbers of a request's trace and span are
those that its answer and the log say.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from kizuna import __version__
from kizuna.events import Act, Batch, Job, Poll, Request, Told
from kizuna.trace import Trace

Value = str | int | float


class Spans:
    """A listener that makes spans and hands them to an exporter, by default to where the OTEL_* variables say."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        self._numbers = _Numbers()
        # Nothing of the machine or of the organisation: what OTEL_RESOURCE_ATTRIBUTES adds is the operator's word.
        resource = Resource.create({"service.name": "kizuna", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, id_generator=self._numbers, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("kizuna", __version__)

    def __call__(self, told: Told) -> None:
        """Make a span of one thing that happened."""
        event = told.event
        if isinstance(event, Request):
            self._request(told, event)
        elif isinstance(event, Batch):
            counts = {"imported": event.imported, "unchanged": event.unchanged, "failed": event.failed}
            self._within(told, "store", event.seconds, {"kizuna.source": event.source, **_named(counts)})
        elif isinstance(event, Act):
            self._within(told, f"act {event.act}", 0.0, {"kizuna.act": event.act})
        elif isinstance(event, Job):
            turn: dict[str, Value] = {"kizuna.state": event.state, "kizuna.attempt": event.attempt}
            self._within(told, f"job {event.kind}", event.seconds, turn, error=event.error)
        elif isinstance(event, Poll):
            facts: dict[str, Value] = {"kizuna.partner": event.number, "kizuna.received": event.received}
            self._within(told, "poll", event.seconds, facts, kind=SpanKind.CLIENT, error=event.error)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _request(self, told: Told, event: Request) -> None:
        # Names and attributes: opentelemetry.io/docs/specs/semconv/http/http-spans
        facts: dict[str, Value] = {
            "http.request.method": event.method if event.method != "other" else "_OTHER",
            "http.route": event.route,
            "http.response.status_code": event.status,
            "http.response.body.size": event.size,
            "kizuna.caller": event.caller,
        }
        error = str(event.status) if event.status >= 500 else None
        parent = None if event.trace.parent is None else _context(event.trace, event.trace.parent, event.trace.flags)
        with self._numbers.given(event.trace):
            name = f"{event.method} {event.route}"
            self._span(told.at, name, event.seconds, facts, parent, SpanKind.SERVER, error)

    def _within(
        self,
        told: Told,
        name: str,
        seconds: float,
        facts: Mapping[str, Value],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        error: str | None = None,
    ) -> None:
        """What was done for the request that is being answered, if one is."""
        trace = told.trace
        parent = None
        if trace is not None:
            parent = _context(trace, trace.span, "01" if trace.parent is None else trace.flags)
        self._span(told.at, name, seconds, facts, parent, kind, error)

    def _span(
        self,
        at: int,
        name: str,
        seconds: float,
        facts: Mapping[str, Value],
        parent: Context | None,
        kind: SpanKind,
        error: str | None,
    ) -> None:
        ended = at * 1000
        began = ended - int(seconds * 1e9)
        if error is not None:
            facts = {**facts, "error.type": error}
        span = self._tracer.start_span(
            name, parent or Context(), kind, dict(facts), start_time=began, record_exception=False
        )
        if error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)


class _Numbers(IdGenerator):
    """Random numbers, but for a request's, which its answer has told already."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._local = threading.local()

    @contextmanager
    def given(self, trace: Trace) -> Iterator[None]:
        """Within it, spans of this thread have a request's numbers."""
        self._local.trace = trace
        try:
            yield
        finally:
            self._local.trace = None

    def generate_trace_id(self) -> int:
        """The number of a trace that begins."""
        trace: Trace | None = getattr(self._local, "trace", None)
        return self._random.generate_trace_id() if trace is None else int(trace.id, 16)

    def generate_span_id(self) -> int:
        """The number of a span."""
        trace: Trace | None = getattr(self._local, "trace", None)
        return self._random.generate_span_id() if trace is None else int(trace.span, 16)


def _context(trace: Trace, span: str, flags: str) -> Context:
    known = SpanContext(int(trace.id, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(known), Context())


def _named(counts: Mapping[str, int]) -> dict[str, Value]:
    return {f"kizuna.{name}": count for name, count in counts.items()}
