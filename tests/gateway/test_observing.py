"""What the operator sees: one line a request without secrets, figures, and the health of each part."""

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from sigdep.gateway import health, request_log
from sigdep.gateway.application import create_application
from sigdep.gateway.logging import configure_logging
from sigdep.gateway.metrics import Metrics
from sigdep.gateway.request_log import FLUSH_SECONDS
from sigdep.gateway.settings import GatewaySettings
from tests.http.demo import SETTINGS, USER, Notes, People, client_of


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """What the process has printed as its log."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging(stream=stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # The tests' own client.
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def lines(printed: io.StringIO) -> list[dict[str, Any]]:
    """What has been printed, once all of it must be."""
    await asyncio.sleep(FLUSH_SECONDS + 0.1)
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def logging_client(notes: Notes, stream: io.StringIO, settings: GatewaySettings = SETTINGS) -> httpx.AsyncClient:
    return client_of(create_application(notes.routes(), identities=People(), settings=settings, log_stream=stream))


async def test_a_request_is_one_line_with_its_template_its_end_and_its_caller(
    printed: io.StringIO, notes: Notes
) -> None:
    async with logging_client(notes, printed) as client:
        answer = await client.get("/api/note/0199a000-0000-7000-8000-00000000ffff?x=1")
    (line,) = await lines(printed)
    assert line.pop("ms") < 1_000
    assert line.pop("timestamp").endswith("Z")
    assert re.fullmatch("[0-9a-f]{32}", line.pop("trace_id"))
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/api/notes/{note_id}",
        "status": 422,
        "request_id": answer.headers["x-request-id"],
        "user_id": str(USER),
    }


async def test_no_secret_no_text_and_no_query_is_ever_logged(printed: io.StringIO, notes: Notes) -> None:
    secrets = ["sigdep_5ecret", "hunter2", "Buy%20flowers", "Buy flowers", "kept-key", "203.0.113.77"]
    notes.failure = RuntimeError("a bug")
    async with logging_client(notes, printed) as client:
        for token in ("good", "sigdep_5ecret"):
            for path in ("/api/notes", "/api/sessions", "/api/notes?q=Buy%20flowers", "/Buy%20flowers"):
                await client.post(
                    path,
                    json={"title": "Buy flowers", "custom": {"password": "hunter2"}},
                    headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "kept-key",
                             "X-Forwarded-For": "203.0.113.77"},
                )  # fmt: skip
    assert len(await lines(printed)) > 8
    assert [line["level"] for line in await lines(printed)].count("error") > 0
    assert [secret for secret in secrets if secret in printed.getvalue()] == []


async def test_on_a_terminal_a_request_is_shown_for_people(notes: Notes, capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    async with logging_client(notes, Terminal()) as client:
        await client.get("/api/notes")
    shown = capsys.readouterr().out
    assert "route=/api/notes" in re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_a_terminal_shows_tracebacks_without_the_values_of_variables() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging(stream=terminal)
    password = "hunter" + "2"
    try:
        raise RuntimeError
    except RuntimeError as error:
        structlog.get_logger().error("failed", exc_info=error)
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)
    assert "RuntimeError" in terminal.getvalue()
    assert password not in terminal.getvalue()


async def test_lines_are_written_at_once_when_many_wait(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "BUFFERED_LINES_MAX", 3)
    stream = io.StringIO()
    async with logging_client(notes, stream) as client:
        for _ in range(7):
            await client.get("/api/notes")
    assert len(stream.getvalue().splitlines()) == 6


async def test_a_bug_is_one_line_with_its_traceback(printed: io.StringIO, notes: Notes) -> None:
    notes.failure = RuntimeError("a bug")
    async with logging_client(notes, printed) as client:
        await client.get("/api/notes")
    first, second = await lines(printed)
    error, request = (first, second) if first["level"] == "error" else (second, first)
    assert error["exception"][0]["exc_value"] == "a bug"
    assert request["status"] == 500
    assert error["request_id"] == request["request_id"]
    assert error["trace_id"] == request["trace_id"]


async def test_the_loggers_of_others_are_led_into_ours(printed: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("from %s", "below")
    (line,) = await lines(printed)
    assert (line["event"], line["logger"], line["level"]) == ("from below", "uvicorn.error", "warning")


async def test_what_cannot_be_json_is_written_nevertheless(printed: io.StringIO) -> None:
    structlog.get_logger().info("odd", value=object(), text="line\nbreak \ud800")
    (line,) = await lines(printed)
    assert line["value"].startswith("<object")


async def test_requests_may_be_left_out_of_the_log(printed: io.StringIO, notes: Notes) -> None:
    settings = replace(SETTINGS, log_requests=False)
    async with logging_client(notes, printed, settings) as client:
        await client.get("/api/notes")
    assert await lines(printed) == []
    assert printed.getvalue() == ""


async def figures(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_template_and_timed(notes: Notes) -> None:
    metrics = Metrics()
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS, metrics=metrics)
    async with client_of(application) as client:
        for number in range(3):
            await client.get(f"/api/notes/0199a000-0000-7000-8000-{number:012}")
            await client.request(f"ODD{number}", f"/nothing/{number}")
        found = await figures(client)
    place = {("method", "GET"), ("route", "/api/notes/{note_id}")}
    assert found["sigdep_http_requests_total", frozenset({*place, ("status", "404")})] == 3
    assert found["sigdep_http_request_seconds_count", frozenset(place)] == 3
    nowhere = frozenset({("method", "OTHER"), ("route", "none"), ("status", "404")})
    assert found["sigdep_http_requests_total", nowhere] == 3
    assert found["sigdep_http_requests_in_flight", frozenset()] == 1


async def test_other_parts_may_add_their_figures(notes: Notes) -> None:
    class Lag(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            yield GaugeMetricFamily("sigdep_lag", "Events not yet projected.", value=7)

    metrics = Metrics()
    metrics.add(Lag())
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS, metrics=metrics)
    async with client_of(application, token=None) as client:
        assert (await figures(client))["sigdep_lag", frozenset()] == 7


async def test_health_names_each_part_and_what_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fine() -> None:
        return None

    async def behind() -> str:
        return "It is 40,000 events behind."

    async def fails() -> None:
        raise OSError("could not connect as user 'root' to 10.0.0.9")

    async def hangs() -> None:
        await asyncio.sleep(60)

    async def busy() -> str:
        return health.Remark("It is made anew.")

    async def ask(**checks: health.Check) -> httpx.Response:
        application = create_application([], identities=People(), settings=SETTINGS, checks=checks)
        async with client_of(application, token=None) as client:
            assert (await client.get("/health/live")).json() == {"status": "ok", "parts": {}}
            return await client.get("/health/ready")

    monkeypatch.setattr(health, "CHECK_SECONDS_MAX", 0.05)
    well = await ask(log=fine)
    assert (well.status_code, well.json()) == (200, {"status": "ok", "parts": {"log": "ok"}})
    remarked = await ask(log=fine, views=busy)
    assert (remarked.status_code, remarked.json()["status"]) == (200, "ok")
    assert remarked.json()["parts"] == {"log": "ok", "views": "ok: It is made anew."}
    ill = await ask(log=fine, views=behind, keys=fails, disk=hangs)
    assert (ill.status_code, ill.headers["retry-after"]) == (503, "1")
    assert ill.json() == {
        "status": "unavailable",
        "parts": {
            "log": "ok",
            "views": "It is 40,000 events behind.",
            "keys": "It failed; the log says how.",
            "disk": "It did not answer within 0.05 seconds.",
        },
    }


@pytest.fixture
async def visitor() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application([], identities=People(), settings=SETTINGS), token=None) as client:
        yield client


async def test_home_leads_on_for_programs_and_for_people(visitor: httpx.AsyncClient) -> None:
    links = (await visitor.get("/")).json()
    for link in ("documentation", "openapi", "health"):
        assert (await visitor.get(links[link])).status_code == 200
    page = await visitor.get("/", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
