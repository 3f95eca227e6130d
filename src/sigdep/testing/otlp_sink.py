"""A collector for tests: takes spans by OTLP over HTTP on a free loopback port, and keeps them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

HOST: Final = "127.0.0.1"
LOOK_AGAIN_SECONDS: Final = 0.02


@dataclass(frozen=True)
class KeptSpan:
    """A span as it arrived."""

    service: str
    name: str
    kind: str
    """`server`, `client`, `internal`, `producer` or `consumer`."""
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it has none."""
    started_ns: int
    ended_ns: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class OtlpSink:
    """What has arrived, and where to send it."""

    url: str = ""
    spans: list[KeptSpan] = field(default_factory=list)
    status: int = 200
    """What it answers: 503 makes it a collector that is ill."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last request, by lower-case name."""

    def of_trace(self, trace_id: str) -> Sequence[KeptSpan]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def until(self, there: Callable[[Sequence[KeptSpan]], bool], trace_id: str, seconds: float) -> Sequence[KeptSpan]:
        """The spans of a trace, once they are all there; what there is when the time is over."""
        end = time.monotonic() + seconds
        while not there(self.of_trace(trace_id)) and time.monotonic() < end:
            time.sleep(LOOK_AGAIN_SECONDS)
        return self.of_trace(trace_id)

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_resource in request.resource_spans:
            resource = _values(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans += [_kept(span, str(resource["service.name"])) for span in of_scope.spans]


@contextmanager
def otlp_sink() -> Iterator[OtlpSink]:
    """A collector that answers until the end of the block."""
    sink = OtlpSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.headers = {name.lower(): value for name, value in self.headers.items()}
            if sink.status == 200 and self.path == "/v1/traces":
                sink.take(ExportTraceServiceRequest.FromString(body))
            self.send_response(sink.status if self.path == "/v1/traces" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    sink.url = f"http://{HOST}:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _kept(span: SpanMessage, service: str) -> KeptSpan:
    return KeptSpan(
        service=service,
        name=span.name,
        kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        started_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        failed=span.status.code == 2,
        attributes=_values(span.attributes),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
