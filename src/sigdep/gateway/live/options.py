"""How uvicorn is to serve WebSockets."""

from typing import Any, Final

from sigdep.gateway.live.bounds import MESSAGE_BYTES_MAX, PING_SECONDS, PONG_SECONDS


def make_protocol(**options: Any) -> Any:
    """What serves WebSockets is loaded with the first of them: a server should start as quickly without."""
    from sigdep.gateway.live.protocol import LiveProtocol  # noqa: PLC0415

    return LiveProtocol(**options)


# No compression: it would be done for each reader anew, at more than twice the cost of all the rest.
WEBSOCKETS: Final[dict[str, Any]] = {
    "ws": make_protocol,
    "ws_max_size": MESSAGE_BYTES_MAX,
    "ws_per_message_deflate": False,
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PONG_SECONDS,
}
"""For `uvicorn.Config(**WEBSOCKETS)`."""
