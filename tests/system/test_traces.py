"""One request is one trace, from the gateway to the WebSocket of whoever listens, in one process and in several."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
from msgspec.structs import replace

from sigdep.http.positions import decode_position, encode_position
from sigdep.kernel.ids import Position
from sigdep.testing.otlp_sink import KeptSpan, OtlpSink, otlp_sink
from sigdep.testing.running_server import RunningServer, running_server
from tests.system.person import signed_up
from tests.system.test_live import hear, live, subscribe

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
ABOVE: Final = "00f067aa0ba902b7"
SECONDS_MAX: Final = 30.0

PROCESS: Final = "process tasks"
"""What a projector does with an event."""


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as collecting:
        yield collecting


@pytest.fixture(scope="module", params=["up", "cluster"])
def observed(request: pytest.FixtureRequest, sink: OtlpSink) -> Iterator[RunningServer]:
    """It traces only what it is asked to trace."""
    with running_server(mode=request.param, otlp_endpoint=sink.url, trace_ratio=0) as running:
        yield running
        assert running.stop() == 0


def trace_of(observed: RunningServer) -> str:
    """Of the one request that a test looks at, in each server another one."""
    return TRACE[:-4] + ("0001" if observed.mode == "up" else "0002")


def tree(spans: Sequence[KeptSpan]) -> dict[tuple[str, str], str]:
    """Each span by the names of its service and itself, with the name of the span above it."""
    names = {span.span_id: f"{span.service}: {span.name}" for span in spans} | {ABOVE: "client"}
    return {(span.service, span.name): names.get(span.parent_id, f"nobody ({span.parent_id})") for span in spans}


EMBEDDED: Final = {
    ("up", "POST /api/tasks"): "client",
    ("up", "sigdep.tasks.write/CreateTask"): "up: POST /api/tasks",
    ("up", "append tasks"): "up: sigdep.tasks.write/CreateTask",
    ("up", "process tasks"): "up: append tasks",
    ("up", "push live"): "up: append tasks",
}

CLUSTER: Final = {
    ("gateway", "POST /api/tasks"): "client",
    ("gateway", "sigdep.tasks.v1.Write/CreateTask"): "gateway: POST /api/tasks",
    ("tasks.write", "sigdep.tasks.v1.Write/CreateTask"): "gateway: sigdep.tasks.v1.Write/CreateTask",
    ("tasks.write", "append tasks"): "tasks.write: sigdep.tasks.v1.Write/CreateTask",
    ("tasks.write", "publish tasks"): "tasks.write: append tasks",
    ("tasks.read", "process tasks"): "tasks.write: append tasks",
    ("gateway", "push live"): "tasks.write: append tasks",
}


async def test_a_request_is_one_tree_of_spans_from_the_gateway_to_the_listener(
    observed: RunningServer, sink: OtlpSink
) -> None:
    expected, trace_id = EMBEDDED if observed.mode == "up" else CLUSTER, trace_of(observed)
    async with signed_up(observed.url) as ada, live(ada) as listener:
        await subscribe(listener, ada.workspace)
        await hear(listener, "subscribed")
        await ada.read("/api/tasks")  # Whom the token stands for is known by now.
        traced = {"traceparent": f"00-{trace_id}-{ABOVE}-01", "X-Request-Id": f"traced-{observed.mode}"}
        await ada.write("POST", "/api/tasks", {"title": "A secret title"}, headers=traced)
        event = (await hear(listener, "event"))["event"]
        while event["type"] != "sigdep.tasks.TaskCreated":
            event = (await hear(listener, "event"))["event"]
    there = {name for name in expected if name[1] != "sigdep.users.v1.Read/Identify"}
    spans = sink.until(lambda found: there <= set(tree(found)), trace_id, SECONDS_MAX)
    asked = {place: above for place, above in tree(spans).items() if "Identify" not in place[1]}
    # Others react in their own time: what has come by now hangs on the append.
    reactions = {place: asked.pop(place) for place in tuple(asked) if place[1].startswith("react ")}
    assert all(above.endswith("append tasks") for above in reactions.values())
    assert asked == expected
    assert not any(span.failed for span in spans)
    assert all(span.started_ns <= span.ended_ns for span in spans)
    _are_nested_in_time(spans)
    _say_what_they_are(spans, observed)
    assert "secret title" not in repr(spans)
    appended = next(span for span in spans if span.name == "append tasks")
    assert event["traceparent"] == f"00-{trace_id}-{appended.span_id}-01"  # Listeners may go on from there.


def _are_nested_in_time(spans: Sequence[KeptSpan]) -> None:
    """What is asked ends before whoever asks does. What follows an append comes when it has been committed."""
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        above = by_id.get(span.parent_id)
        if above is not None:
            assert span.started_ns >= above.started_ns
            if span.kind in ("server", "client", "internal"):
                assert span.ended_ns <= above.ended_ns


def _say_what_they_are(spans: Sequence[KeptSpan], observed: RunningServer) -> None:
    of = {span.name: span for span in spans}
    request = of["POST /api/tasks"]
    assert request.kind == "server"
    assert request.attributes["http.route"] == "/api/tasks"
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["sigdep.request_id"] == f"traced-{observed.mode}"
    assert of["append tasks"].attributes["db.system.name"] == ("sqlite" if observed.mode == "up" else "postgresql")
    assert of[PROCESS].kind == "consumer"
    assert of[PROCESS].attributes["messaging.consumer.group.name"] == "tasks projector"
    assert of["push live"].attributes["sigdep.listeners"] == 1
    if observed.mode == "cluster":
        for name in (PROCESS, "publish tasks"):
            assert of[name].attributes["messaging.system"] == "nats"


async def test_a_slow_call_is_found_by_its_trace_in_the_log_of_every_process_that_took_part(
    observed: RunningServer,
) -> None:
    """Whether it is recorded or not: this one waits for a position that does not come, and is not."""
    async with signed_up(observed.url) as ada:
        task = await ada.add_task()
        here = decode_position(ada.position, "Sigdep-Position")
        far = encode_position(replace(here, position=Position(here.position + 1_000)))
        headers = {"X-Request-Id": f"late-{observed.mode}", "Sigdep-Min-Position": far}
        answer = await ada.client.get(f"/api/tasks/{task['id']}", headers=headers)
        assert answer.status_code == 503
    lines = await lines_of(observed, f"late-{observed.mode}", 2)
    assert {line["event"] for line in lines} == {"request", "slow call"}
    (trace_id,) = {line["trace_id"] for line in lines}
    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    if observed.mode == "cluster":
        assert {line["service"] for line in lines if line["event"] == "slow call"} == {"gateway", "tasks.read"}


async def lines_of(observed: RunningServer, request_id: str, least: int) -> list[dict[str, Any]]:
    """What all processes have printed for a request, once all of it must be."""
    lines: list[dict[str, Any]] = []
    for _ in range(100):
        await asyncio.sleep(0.1)
        printed = [line for line in observed.printed.splitlines() if line.startswith("{")]
        lines = [line for line in map(json.loads, printed) if line.get("request_id") == request_id]
        if len(lines) >= least and any(line["event"] == "request" for line in lines):
            break
    return lines


async def test_what_is_not_traced_leaves_nothing(observed: RunningServer, sink: OtlpSink) -> None:
    trace_id = trace_of(observed)[:-4] + "ffff"
    async with signed_up(observed.url) as ada:
        before = len(sink.spans)
        unsampled = {"traceparent": f"00-{trace_id}-{ABOVE}-00"}
        task = await ada.write("POST", "/api/tasks", {"title": "Not traced"}, headers=unsampled)
        await ada.read(f"/api/tasks/{task['id']}")
        feed = await ada.read("/api/feed", after="")
        assert all("traceparent" not in item["event"] for item in feed["items"])
    assert sink.of_trace(trace_id) == []
    assert {span.name for span in sink.spans[before:]} <= {"POST /api/sessions"}  # Slow at times: it hashes a password.
