"""The documentation of the API: OpenAPI, AsyncAPI, and a page that shows the first without any outside asset."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any

import msgspec

from sigdep.gateway.asset_files import CONTENT_TYPES, integrity, read_own, read_vendored
from sigdep.gateway.pages import Page
from sigdep.gateway.security_headers import OWN_ASSETS_ONLY, security_headers
from sigdep.http.exchange import Exchange, Header
from sigdep.http.replies import JSON, Reply

Make = Callable[[], dict[str, Any]]
"""Called once, when somebody first asks: it takes longer than the start of a process may."""


def docs_pages(make_openapi: Make, make_asyncapi: Make) -> list[Page]:
    vendored = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
    return [
        _document("/openapi.json", make_openapi, "This document."),
        _document("/asyncapi.json", make_asyncapi, "What is told unasked: public events and live messages."),
        _asset("/docs", "docs.html", read_own, listed=True),
        *(_asset(f"/docs/{name}", name, read_own) for name in ("docs.js", "docs.css")),
        *(_asset(f"/docs/{name}", name, read_vendored) for name in vendored),
    ]


def _document(path: str, make: Make, summary: str) -> Page:
    @cache
    def document() -> bytes:
        return msgspec.json.encode(make())

    async def show(_exchange: Exchange) -> Reply:
        return Reply(200, [JSON], document())

    return Page(path=path, answer=show, summary=summary, content_types=["application/json"])


def _asset(path: str, name: str, read: Callable[[str], bytes], *, listed: bool = False) -> Page:
    content_type = CONTENT_TYPES[PurePosixPath(name).suffix]
    headers: list[Header] = [*security_headers(OWN_ASSETS_ONLY), (b"cache-control", b"no-cache")]
    return Page(
        path=path,
        answer=partial(_send, cache(partial(_tagged, name, read)), content_type.encode()),
        summary="This document, to be read and tried out in a browser.",
        content_types=[content_type.partition(";")[0]],
        statuses=(200, 304),
        listed=listed,
        headers=headers,
    )


def _tagged(name: str, read: Callable[[str], bytes]) -> tuple[bytes, bytes]:
    content = read(name)
    return content, b'"%s"' % integrity(content)[-20:].encode()


async def _send(load: Callable[[], tuple[bytes, bytes]], content_type: bytes, exchange: Exchange) -> Reply:
    content, tag = load()
    if exchange.headers.get(b"if-none-match") == tag:
        return Reply(304, [(b"etag", tag)])
    return Reply(200, [(b"content-type", content_type), (b"etag", tag)], content)
