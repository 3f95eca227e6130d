"""The least that an HTTP server of this kind does: uvicorn answers every request with the same bytes. The limit."""

import socket
import sys
from typing import Any

import uvicorn
import uvloop

BODY = b'{"id":"01a204cc-bb4c-74a9-a059-7d48c9fdc32d"}' * 14
"""As long as a task."""

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}


async def application(scope: Any, receive: Any, send: Any) -> None:
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


async def main() -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, loop="none", http="httptools", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    print(listening.getsockname()[1], flush=True)
    await server.serve(sockets=[listening])


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
