"""Sends spans to a collector: OpenTelemetry's protocol (OTLP) over HTTP, by OpenTelemetry's own exporter."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from sigdep.telemetry.spans import Span

EXPORT_SECONDS_MAX: Final = 5.0
"""Then a batch is given up, its repeats included."""

PATH: Final = "/v1/traces"

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_KINDS: Final[Mapping[str, SpanKind]] = {kind.name.lower(): kind for kind in SpanKind}


class OtlpExporter:
    """A SpanExporter."""

    def __init__(self, endpoint: str, resource: Mapping[str, str]) -> None:
        """
        Args:
            endpoint: base URL of the collector. Empty: what OTEL_EXPORTER_OTLP_… say. Headers, certificates and
                compression are always set by those.
            resource: who sends, by the names of OpenTelemetry.
        """
        # We say once that it is away; the exporter would say it for each batch, and each of its repeats.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        self._resource = Resource.create(dict(resource))
        self._scope = InstrumentationScope("sigdep", resource.get("service.version"))
        url = endpoint.rstrip("/") + PATH if endpoint else None
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS_MAX)

    def export(self, spans: Sequence[Span]) -> bool:
        return self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> ReadableSpan:
        trace = span.trace
        attributes = span.attributes if span.error is None else {**span.attributes, "error.type": span.error}
        return ReadableSpan(
            name=span.name,
            context=_context(trace.trace_id, trace.span_id, remote=False),
            parent=None if trace.parent_id is None else _context(trace.trace_id, trace.parent_id, remote=True),
            resource=self._resource,
            attributes=attributes,
            kind=_KINDS[span.kind],
            status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR),
            start_time=span.started_ns,
            end_time=span.ended_ns,
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str, *, remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=remote, trace_flags=_SAMPLED)
