"""The small pages: where to go from here, what a problem means, what is counted."""

from collections.abc import Sequence
from typing import Final

import msgspec

from sigdep.gateway.figures import CONTENT_TYPE, Figures
from sigdep.gateway.pages import Page
from sigdep.http.exchange import Exchange
from sigdep.http.problems import KINDS, TYPE_PREFIX, Kind
from sigdep.http.replies import JSON, Reply
from sigdep.kernel.errors import NotFound

_LINKS: Final = {
    "name": "SigDep",
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "asyncapi": "/asyncapi.json",
    "health": "/health/ready",
    "metrics": "/metrics",
}
_HOME: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>SigDep</title>
<h1>SigDep</h1>
<p>Tasks, calendar and reminders as one stream of events that its owner keeps.</p>
<ul>
<li><a href="/docs">Documentation of the API</a>, also as <a href="/openapi.json">OpenAPI 3.1</a></li>
<li>What is told unasked, as <a href="/asyncapi.json">AsyncAPI 3.0</a></li>
<li><a href="/health/ready">Health</a> of each part</li>
<li><a href="/metrics">Metrics</a> for Prometheus</li>
</ul>
</html>
"""
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")


def site_pages(figures: Figures | None) -> list[Page]:
    pages = [
        Page(
            path="/",
            answer=_home,
            summary="Where to go from here: JSON, or HTML for a browser.",
            content_types=["application/json", "text/html"],
        ),
        Page(
            path=TYPE_PREFIX + "{kind}",
            answer=_problem,
            summary="What a problem means: each `type` of an error leads here.",
            content_types=["application/json"],
            statuses=(200, 404),
        ),
    ]
    if figures is not None:
        pages.append(metrics_page(figures))
    return pages


async def _home(exchange: Exchange) -> Reply:
    if b"text/html" in exchange.headers.get(b"accept", b""):
        return Reply(200, [_HTML], _HOME.encode())
    return Reply(200, [JSON], msgspec.json.encode(_LINKS))


async def _problem(exchange: Exchange) -> Reply:
    (name,) = exchange.path_values
    kinds: Sequence[Kind] = [kind for kind in KINDS if kind.name == name]
    if not kinds:
        raise NotFound(f"There is no kind of problem called {name[:50]!r}.")
    kind = kinds[0]
    described = {"type": kind.type, "title": kind.title, "status": kind.status, "meaning": kind.meaning}
    return Reply(200, [JSON], msgspec.json.encode(described))


def metrics_page(figures: Figures) -> Page:
    async def answer(_exchange: Exchange) -> Reply:
        return Reply(200, [(b"content-type", CONTENT_TYPE)], await figures.page())

    return Page(
        path="/metrics",
        answer=answer,
        summary="What this process counts, in the text format of Prometheus.",
        content_types=["text/plain"],
    )
