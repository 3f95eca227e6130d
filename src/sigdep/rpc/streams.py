"""What the streams between services share: how large a piece is, and how either side says that one fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import grpc

from sigdep.kernel.errors import Invalid, LogDamaged, Unauthenticated, Unavailable
from sigdep.rpc.passports import Gate, Sign

PIECE_BYTES_MAX: Final = 1_048_576
"""Of payloads in one piece; a single one may have more, up to the limit of an event."""

RETRY_AFTER_SECONDS: Final = 1.0

PASSPORT: Final = "sigdep-passport"
"""The header in which a stream's passport travels. It is looked at when the stream begins."""


def passport_header(sign: Sign | None) -> tuple[tuple[str, str], ...]:
    return () if sign is None else ((PASSPORT, sign(None)),)


@asynccontextmanager
async def telling(context: "grpc.aio.ServicerContext[Any, Any]", gate: Gate | None) -> AsyncIterator[None]:
    """Lets nobody in without a passport, and tells what is wrong. A bug becomes UNKNOWN, without a detail."""
    try:
        if gate is not None:
            shown = [str(value) for name, value in context.invocation_metadata() or () if name == PASSPORT]
            gate.check(shown[0] if shown else None)
        yield
    except Unavailable as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, error.detail)
    except LogDamaged as error:
        await context.abort(grpc.StatusCode.DATA_LOSS, str(error))
    except Invalid as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.detail)
    except Unauthenticated as error:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, error.detail)


class FollowedHandler(grpc.ServiceRpcHandler):
    """Methods of one service, of which some tell for ever: until the server stops.

    Nobody waits for those to end by themselves. Who follows finds another replica, or this one when it is back.
    """

    def __init__(self, service: str, methods: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]", following: "Following"):
        self._service = service
        self._methods = {f"/{service}/{name}": method for name, method in methods.items()}
        self.following = following

    def service_name(self) -> str:
        return self._service

    def service(self, handler_call_details: Any) -> "grpc.RpcMethodHandler[Any, Any] | None":
        return self._methods.get(handler_call_details.method)


class Following:
    """Those who are being told, for ever."""

    def __init__(self) -> None:
        self._ended = False
        self._told = set[asyncio.Timeout]()

    @asynccontextmanager
    async def join(self) -> AsyncIterator[None]:
        """
        Raises:
            Unavailable: it has been ended.
        """
        told = asyncio.timeout(0 if self._ended else None)
        self._told.add(told)
        try:
            async with told:
                yield
        except TimeoutError:
            if not told.expired():
                raise
            raise Unavailable("The service that keeps the log stops.", RETRY_AFTER_SECONDS) from None
        finally:
            self._told.discard(told)

    def end(self) -> None:
        """Let go of everybody, and of whoever comes. Safe to repeat."""
        if self._ended:
            return
        self._ended = True
        for told in self._told:
            told.reschedule(asyncio.get_running_loop().time())


@contextmanager
def translating() -> Iterator[None]:
    """Raises what the other side has told."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.DATA_LOSS:
            raise LogDamaged(error.details() or "The log is damaged.") from None
        raise Unavailable("The service that keeps the log does not answer.", RETRY_AFTER_SECONDS) from error


def ended() -> Unavailable:
    """A stream that should go on for ever does not."""
    return Unavailable("The log has ended its answer.", RETRY_AFTER_SECONDS)
