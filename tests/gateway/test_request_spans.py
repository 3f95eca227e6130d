"""Which requests are recorded, and what is said of them."""

import httpx
import pytest

from sigdep.gateway import request_spans
from sigdep.gateway.application import create_application
from sigdep.kernel.errors import Unavailable
from sigdep.telemetry.spans import Span
from sigdep.telemetry.trace import parse_traceparent
from tests.http.demo import SETTINGS, Notes, People, client_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-00"


class Taken(list[Span]):
    def take(self, span: Span) -> None:
        self.append(span)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def spans() -> Taken:
    return Taken()


@pytest.fixture
def client(notes: Notes, spans: Taken) -> httpx.AsyncClient:
    return client_of(create_application(notes.routes(), identities=People(), settings=SETTINGS, spans=spans))


async def test_a_traced_request_is_a_span_by_its_template_and_services_go_on_from_it(
    client: httpx.AsyncClient, notes: Notes, spans: Taken
) -> None:
    headers = {"traceparent": SAMPLED, "X-Request-Id": "r-1"}
    answer = await client.get("/api/notes/0199a000-0000-7000-8000-00000000ffff?trashed=true", headers=headers)
    (span,) = spans
    assert (span.name, span.kind, span.error) == ("GET /api/notes/{note_id}", "server", None)
    assert (span.trace.trace_id, span.trace.parent_id) == (TRACE_ID, "b7ad6b7169203331")
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": answer.status_code,
        "http.route": "/api/notes/{note_id}",
        "url.scheme": "http",
        "sigdep.request_id": "r-1",
    }
    assert span.started_ns < span.ended_ns


async def test_services_are_told_the_gateway_s_own_step(client: httpx.AsyncClient, notes: Notes, spans: Taken) -> None:
    await client.get("/api/notes", headers={"traceparent": SAMPLED})
    assert notes.call.traceparent == spans[0].trace.traceparent


async def test_what_is_not_traced_is_not_recorded(client: httpx.AsyncClient, spans: Taken) -> None:
    for headers in ({}, {"traceparent": UNSAMPLED}):
        await client.get("/api/notes", headers=headers)
        await client.get("/api/nothing", headers=headers)
        await client.post("/api/notes", json={}, headers=headers)
    assert spans == []


@pytest.mark.parametrize("failure, status", [(Unavailable("Away."), 503), (KeyError("a secret"), 500)])
async def test_what_fails_is_recorded_though_it_is_not_traced(
    client: httpx.AsyncClient, notes: Notes, spans: Taken, failure: Exception, status: int
) -> None:
    notes.failure = failure
    await client.get("/api/notes", headers={"traceparent": UNSAMPLED})
    (span,) = spans
    assert (span.error, span.trace.trace_id) == (str(status), TRACE_ID)
    passed_on = parse_traceparent(notes.call.traceparent or "")
    assert passed_on is not None
    assert not passed_on.sampled
    assert "secret" not in repr(span)


async def test_what_is_slow_is_recorded_though_it_is_not_traced(
    client: httpx.AsyncClient, notes: Notes, spans: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_spans, "SLOW_SECONDS", 0.05)
    notes.pause_seconds = 0.06
    await client.get("/api/notes")
    assert [span.name for span in spans] == ["GET /api/notes"]


async def test_paths_and_methods_of_strangers_are_not_kept(client: httpx.AsyncClient, spans: Taken) -> None:
    await client.request("BUY-FLOWERS", "/Buy%20flowers", headers={"traceparent": SAMPLED})
    (span,) = spans
    assert "lowers" not in repr(span)
    assert span.name == "_OTHER"
