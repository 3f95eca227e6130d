"""The connection to NATS: made when it is needed, and never mended, but replaced.

nats-py can reconnect by itself, but then it sends what it had kept of an earlier attempt, and its readers do not
notice that messages were lost in between. A new connection begins with nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.errors import SecureConnWantedError

from sigdep.adapters.nats.errors import ApiError, Refused, translated
from sigdep.adapters.outages import Away, Openness, OutOfOrder, Threshold
from sigdep.kernel.errors import Unavailable

CONNECT_SECONDS_MAX: Final = 5

ANSWER_SECONDS_MAX: Final = 5.0

CLOSE_SECONDS_MAX: Final = 1.0

PING_SECONDS: Final = 5
"""Two pings without an answer, and the connection is given up. A timeout on `flush` must not be used for that: when the
answer comes late after all, nats-py ends its reading and stays connected, deaf."""

PINGS_OUTSTANDING_MAX: Final = 2

LOOK_SECONDS: Final = 0.1
"""Between looks whether the connection is still there."""

VERSION_MIN: Final = (2, 12)
"""The first with atomic batches. An older server would store such a batch message by message."""

T = TypeVar("T")


class _Failed(Struct, frozen=True):
    error: ApiError | None = None


class _Client(Client):
    """Believes no server that says it needs no TLS, where TLS was wanted: nats-py would go on in the clear."""

    def _connect_command(self) -> bytes:
        if "tls" in self.options and not self._server_info.get("tls_required"):
            raise SecureConnWantedError
        return super()._connect_command()


class Connection:
    """One connection, from when it was made until it is lost."""

    def __init__(self) -> None:
        self.client = _Client()
        self.lost = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def open(self, servers: Sequence[str], name: str, **options: Any) -> None:
        async def lose() -> None:
            self.lost.set()

        with translated():
            await self.client.connect(
                list(servers),
                name=name,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # With -1 or its default, nats-py goes on trying for minutes all the same.
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS_MAX,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS_OUTSTANDING_MAX,
                error_cb=_ignore,
                disconnected_cb=lose,
                closed_cb=lose,
                **options,
            )
        self._watching = asyncio.create_task(self._watch(), name="watch the connection to NATS")
        version = self.client.connected_server_version
        if (version.major, version.minor) < VERSION_MIN:
            await self.close()
            raise OutOfOrder(f"NATS must be {'.'.join(map(str, VERSION_MIN))} or newer, not {version}.")

    async def request(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The answer.

        Raises:
            Away: there was none, or nobody listens.
        """
        asking = asyncio.ensure_future(
            self.client.request(subject, payload, ANSWER_SECONDS_MAX, headers=dict(headers) if headers else None)
        )
        losing = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait((asking, losing), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Away("The connection to NATS was lost.")
            with translated():
                return asking.result().data
        finally:
            asking.cancel()
            losing.cancel()

    async def ask(self, subject: str, question: Any, answer: type[T]) -> T:
        """Ask JetStream's API.

        Raises:
            Refused: it says no.
            Away: there was no answer.
        """
        said = await self.request(f"$JS.API.{subject}", msgspec.json.encode(question) if question is not None else b"")
        return read_answer(said, answer)

    async def tell(
        self, subject: str, payload: bytes, *, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        with translated():
            if self.lost.is_set():
                raise Away("The connection to NATS was lost.")
            await self.client.publish(subject, payload, reply, headers)

    async def _watch(self) -> None:
        """When it is a write that fails, nats-py may close without calling back."""
        while self.client.is_connected:  # noqa: ASYNC110 - that it does not call back is the point.
            await asyncio.sleep(LOOK_SECONDS)
        self.lost.set()

    async def close(self) -> None:
        self.lost.set()
        if self._watching is not None:
            self._watching.cancel()
        # After a handshake that has failed, nats-py waits for the end of a connection that never was.
        with suppress(Unavailable), translated():
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self.client.close()


class Link:
    """The present connection. Safe to use from several tasks."""

    def __init__(self, servers: Sequence[str], name: str, openness: Openness, **options: Any) -> None:
        self._servers, self._name, self._openness, self._options = servers, name, openness, options
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._threshold = Threshold()

    async def connected(self) -> Connection:
        """
        Raises:
            Away: no server can be reached.
            OutOfOrder: the server is too old, or does not let us in.
            Unavailable: the broker has been closed.
        """
        async with self._connecting:
            self._openness.check()
            if self._connection is None or self._connection.lost.is_set():
                self._connection = None
                self._connection = await self._threshold.cross(self._connect)
            return self._connection

    async def _connect(self) -> Connection:
        fresh = Connection()
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await fresh.open(self._servers, self._name, **self._options)
        except TimeoutError as error:
            raise Away("NATS does not answer.") from error
        finally:
            if not fresh.client.is_connected:
                await fresh.close()
        return fresh

    async def close(self) -> None:
        async with self._connecting:
            if self._connection is not None:
                await self._connection.close()


def read_answer(said: bytes, answer: type[T]) -> T:
    """
    Raises:
        Refused: it is an error.
    """
    failed = msgspec.json.decode(said, type=_Failed)
    if failed.error is not None:
        raise Refused(failed.error)
    return msgspec.json.decode(said, type=answer)


async def _ignore(_error: Exception) -> None:
    """What has failed is raised where it was asked for, too."""
