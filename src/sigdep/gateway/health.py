"""Whether the process lives, and whether each of its parts is fit to serve."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import msgspec
import structlog
from msgspec import Struct

from sigdep.gateway.pages import Page
from sigdep.http.exchange import Exchange
from sigdep.http.replies import JSON, Reply

CHECK_SECONDS_MAX: Final = 2.0

OK: Final = "ok"


class Remark(str):
    """What is worth knowing of a part with which nothing is wrong."""


Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with a part, unless it is a Remark; None: nothing. Raising is a fault as well."""

_log = structlog.get_logger("sigdep.gateway")


class Health(Struct, frozen=True, kw_only=True):
    """How the process is."""

    status: Literal["ok", "unavailable"]
    parts: Mapping[str, str]
    """Each part by its name: "ok", which may be followed by a colon and a remark, or a sentence about what is wrong."""


def health_pages(checks: Mapping[str, Check]) -> list[Page]:
    async def live(_exchange: Exchange) -> Reply:
        return await live_reply()

    async def ready(_exchange: Exchange) -> Reply:
        return await ready_reply(checks)

    return [
        Page(
            path="/health/live",
            answer=live,
            summary="Whether the process runs.",
            content_types=["application/json"],
        ),
        Page(
            path="/health/ready",
            answer=ready,
            summary="Whether every part is fit to serve, each by its name.",
            content_types=["application/json"],
            statuses=(200, 503),
        ),
    ]


async def live_reply() -> Reply:
    """The process runs, or there would be no answer."""
    return _reply({})


async def ready_reply(checks: Mapping[str, Check]) -> Reply:
    """Each part by its name."""
    said = await asyncio.gather(*(_examine(name, check) for name, check in checks.items()))
    return _reply(dict(zip(checks, said, strict=True)))


async def _examine(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            fault = await check()
    except TimeoutError:
        fault = f"It did not answer within {CHECK_SECONDS_MAX:g} seconds."
    except Exception as error:
        # What drivers say may name hosts and users: that is for the log, not for whoever asks.
        _log.warning("health check failed", part=name, exc_info=error)
        fault = "It failed; the log says how."
    return f"{OK}: {fault}" if isinstance(fault, Remark) else fault or OK


def _reply(parts: Mapping[str, str]) -> Reply:
    fine = all(said == OK or said.startswith(f"{OK}: ") for said in parts.values())
    health = Health(status="ok" if fine else "unavailable", parts=parts)
    headers = [JSON] if fine else [JSON, (b"retry-after", b"1")]
    return Reply(200 if fine else 503, headers, msgspec.json.encode(health))
