"""Spans: the numbers the answer said, under the caller's span, with the same facts as the log and no name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kizuna.events import Act, Batch, Job, Poll, Request, Told
from kizuna.observe.traces import Spans
from kizuna.trace import Trace, taken

AT = 1_795_392_000_000_000
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-%s"


class Traced:
    """Spans kept in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.spans = Spans(self.exporter)

    def of(self, *told: Told) -> list[ReadableSpan]:
        """What becomes of events."""
        for one in told:
            self.spans(one)
        self.spans.close()
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Spans that are closed at the end."""
    made = Traced()
    yield made
    made.spans.close()


def request(trace: Trace, status: int = 200) -> Told:
    return Told(AT, trace, Request("GET", "/api/v1/search", status, 0.25, 10, "partner", "192.0.2.1", trace))


def test_a_request_has_the_numbers_its_answer_said(traced: Traced) -> None:
    trace = Trace()
    (span,) = traced.of(request(trace))
    assert span.context is not None
    assert (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") == (trace.id, trace.span)
    assert (span.name, span.kind, span.parent) == ("GET /api/v1/search", SpanKind.SERVER, None)
    assert (span.start_time, span.end_time) == (AT * 1000 - 250_000_000, AT * 1000)
    assert span.attributes == {
        "http.request.method": "GET", "http.route": "/api/v1/search", "http.response.status_code": 200,
        "http.response.body.size": 10, "kizuna.caller": "partner",
    }  # fmt: skip


def test_it_is_part_of_its_callers_trace(traced: Traced) -> None:
    trace = taken([(b"traceparent", (CALLER % "01").encode())])
    act, span = traced.of(Told(AT, trace, Act("relabel")), request(trace, 500))
    assert span.parent is not None
    assert act.parent is not None
    assert span.context is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (trace.id, trace.parent)
    assert act.parent.span_id == span.context.span_id
    assert span.status.status_code is StatusCode.ERROR


def test_who_keeps_no_spans_of_its_own_makes_us_keep_none(traced: Traced) -> None:
    trace = taken([(b"traceparent", (CALLER % "00").encode())])
    assert traced.of(request(trace), Told(AT, trace, Act("relabel"))) == []


def test_a_job_is_told_by_its_kind(traced: Traced) -> None:
    (job,) = traced.of(Told(AT, None, Job("import", "failed", 2, 1.0, "refused")))
    assert (job.name, job.attributes) == (
        "job import", {"kizuna.state": "failed", "kizuna.attempt": 2, "error.type": "refused"},
    )  # fmt: skip


def test_partners_are_numbers(traced: Traced) -> None:
    poll, stored = traced.of(
        Told(AT, None, Poll("Kyiv", 2, 5, 1.0, "peer-failed", "http://kyiv.example/ is away")),
        Told(AT, None, Batch("partner", 3, 2, 1, 0.5)),
    )
    assert poll.attributes == {"kizuna.partner": 2, "kizuna.received": 5, "error.type": "peer-failed"}
    assert stored.attributes == {
        "kizuna.source": "partner", "kizuna.imported": 3, "kizuna.unchanged": 2, "kizuna.failed": 1,
    }  # fmt: skip
    assert "yiv" not in poll.to_json()
