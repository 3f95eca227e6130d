"""Spans on their way to a collector: they arrive, and one that is ill or away costs nothing but them."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from sigdep.adapters.otlp import OtlpExporter
from sigdep.telemetry import queue
from sigdep.telemetry.queue import BATCH_SPANS, QUEUE_SPANS_MAX, SpanQueue
from sigdep.telemetry.spans import Span, recording
from sigdep.telemetry.trace import Trace, new_trace
from sigdep.testing.otlp_sink import OtlpSink, otlp_sink

RESOURCE = {"service.name": "tests", "service.version": "1"}
SECONDS_MAX = 20.0


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as collecting:
        yield collecting


def span(trace: Trace | None = None, error: str | None = None) -> Span:
    return Span(
        trace=trace or new_trace(sampled=True),
        name="does",
        kind="internal",
        started_ns=1_000,
        ended_ns=3_000,
        attributes={"text": "a", "number": 7, "share": 0.5, "yes": True},
        error=error,
    )


class Held:
    """An exporter that answers when it is let go."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.go_on = threading.Event()
        self.batches: list[int] = []

    def export(self, spans: Sequence[Span]) -> bool:
        self.batches.append(len(spans))
        self.go_on.wait(SECONDS_MAX)
        return self.answer

    def close(self) -> None:
        self.go_on.set()


async def test_a_span_arrives_as_it_was_made(sink: OtlpSink) -> None:
    trace = new_trace(sampled=True).child()
    async with SpanQueue(OtlpExporter(sink.url, RESOURCE)) as spans:
        spans.take(span(trace, error="unavailable"))
        spans.take(span(trace.child()))
    assert spans.exported == 2
    first, second = sorted(sink.spans, key=lambda kept: not kept.failed)
    assert (first.trace_id, first.span_id, first.parent_id) == (trace.trace_id, trace.span_id, trace.parent_id)
    assert (first.service, first.name, first.kind) == ("tests", "does", "internal")
    assert (first.started_ns, first.ended_ns, first.failed) == (1_000, 3_000, True)
    assert first.attributes == {"text": "a", "number": 7, "share": 0.5, "yes": True, "error.type": "unavailable"}
    assert (second.parent_id, second.failed) == (first.span_id, False)
    assert "error.type" not in second.attributes


async def test_headers_of_the_collector_come_from_the_variables_of_opentelemetry(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=the-key")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    async with SpanQueue(OtlpExporter("", RESOURCE)) as spans:
        spans.take(span())
    assert spans.exported == 1
    assert sink.headers["x-key"] == "the-key"


async def test_taking_never_waits_and_what_has_no_place_is_dropped_and_counted() -> None:
    held = Held()
    async with SpanQueue(held) as spans:
        for _ in range(BATCH_SPANS):
            spans.take(span())
        async with asyncio.timeout(SECONDS_MAX):
            while not held.batches:
                await asyncio.sleep(0.01)
        begun = time.perf_counter()
        for _ in range(QUEUE_SPANS_MAX + 100):
            spans.take(span())
        assert time.perf_counter() - begun < 5
        assert (len(spans), spans.dropped) == (QUEUE_SPANS_MAX, 100)
        held.go_on.set()
    assert spans.exported == BATCH_SPANS + QUEUE_SPANS_MAX
    assert max(held.batches) <= BATCH_SPANS


async def test_a_collector_that_refuses_loses_the_spans_and_nothing_else(sink: OtlpSink) -> None:
    sink.status = 400
    async with SpanQueue(OtlpExporter(sink.url, RESOURCE)) as spans:
        spans.take(span())
        async with asyncio.timeout(SECONDS_MAX):
            while not spans.failed:
                await asyncio.sleep(0.01)
        sink.status = 200
        spans.take(span())
    assert (spans.failed, spans.exported) == (1, 1)


async def test_a_process_ends_in_time_though_its_collector_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "CLOSE_SECONDS_MAX", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # It accepts and says nothing.
        begun = time.monotonic()
        async with SpanQueue(OtlpExporter(f"http://127.0.0.1:{silent.getsockname()[1]}", RESOURCE)) as spans:
            spans.take(span())
        assert time.monotonic() - begun < SECONDS_MAX
    assert spans.exported == 0


@pytest.mark.parametrize(
    "failure, outcome, error", [(ValueError, "bug", "bug"), (asyncio.CancelledError, "cancelled", None)]
)
async def test_what_fails_is_recorded_with_how_it_failed(
    failure: type[BaseException], outcome: str, error: str | None
) -> None:
    taken: list[Span] = []

    class List:
        def take(self, span: Span) -> None:
            taken.append(span)

    with pytest.raises(failure), recording(List(), new_trace(sampled=True), "does", "internal", {}):
        raise failure
    (kept,) = taken
    assert (kept.attributes["sigdep.outcome"], kept.error) == (outcome, error)


def test_where_nothing_is_traced_nothing_of_opentelemetry_is_loaded() -> None:
    loads = (
        "import sys\n"
        "import sigdep.services.embedded, sigdep.services.distributed.process\n"
        "from sigdep.services.distributed import tasks_roles, users_roles\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", loads], check=True)
