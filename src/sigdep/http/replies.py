"""An answer as it goes out: status, raw headers, body."""

from typing import Final, NamedTuple, Protocol

from starlette.types import Send

from sigdep.http.exchange import Exchange, Header

JSON: Final[Header] = (b"content-type", b"application/json")


class Reply(NamedTuple):
    """An answer in one piece. `content-length` is added when it is sent."""

    status: int
    headers: list[Header]
    body: bytes = b""


async def send_reply(exchange: Exchange, send: Send, reply: Reply) -> None:
    """Send it, with the headers that the layers of the gateway have added. HEAD: without its body."""
    status, headers, body = reply
    if status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    headers += exchange.answer_headers
    exchange.status = status
    if exchange.method == "HEAD":
        body = b""
    connection = exchange.connection
    if connection is not None and connection.reply_at_once(exchange, status, headers, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Write(Protocol):
    """Sends a part of an answer."""

    async def __call__(self, part: bytes, *, more: bool = True) -> None: ...


async def begin_stream(exchange: Exchange, send: Send, headers: list[Header]) -> Write:
    """Begin an answer whose length nobody knows, with the headers that the layers have added."""
    exchange.status = 200
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, *exchange.answer_headers]})

    async def write(part: bytes, *, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": more})

    return write
