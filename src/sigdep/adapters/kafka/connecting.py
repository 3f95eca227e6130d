"""The connections to the servers of a Kafka cluster: made when they are needed, and never mended, but replaced.

A server answers the requests of one connection in the order in which they came. So a reader, whose requests wait on the
server until there is something to read, has a connection of its own.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NewType, TypeAlias

from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from sigdep.adapters.kafka.errors import introducing, translated
from sigdep.adapters.outages import Away, Openness, Threshold
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition

ANSWER_SECONDS_MAX: Final = 5.0
"""For a connection to be made, or a request to be answered. Longer than a reader lets its request wait."""

CLOSE_SECONDS_MAX: Final = 1.0

DEFAULT_PORT: Final = 9092

Server = NewType("Server", int)
"""One of the cluster, by its `node.id`."""

Endpoint: TypeAlias = tuple[str, int]
"""Host and port."""


logging.getLogger("aiokafka").setLevel(logging.WARNING)  # Below it, it tells what is sent: passwords and bodies.


class Connection:
    """To one server, until it is lost. What is asked over it is answered in order."""

    def __init__(self, driver: Any, lose: Callable[[], None]) -> None:
        self._driver, self._lose = driver, lose

    async def ask(self, request: Any) -> Any:
        """
        Raises:
            Away: there was no answer; no connection of the cluster is used any more.
            OutOfOrder: the server does not understand the request.
        """
        try:
            with translated():
                return await self._driver.send(request)
        except Away:
            self._lose()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it can be used. A server closes one that nobody has used for minutes."""
        return bool(self._driver.connected())

    def drop(self) -> None:
        """Wake whoever waits for an answer: there will be none. Safe to repeat."""
        self._driver.close()

    async def close(self) -> None:
        gone = self._driver.close()
        if gone is not None:
            await asyncio.wait([gone], timeout=CLOSE_SECONDS_MAX)


class Connections:
    """All connections to one cluster, from when it was reached until one of them is lost."""

    def __init__(self, name: str, **options: Any) -> None:
        self._name, self._options = name, options
        self._addresses: dict[Server, Endpoint] = {}
        self._shared: dict[Server, Connection] = {}
        self._open: set[Connection] = set()
        self._connecting = asyncio.Lock()
        self.finding: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Of each topic: held by who asks for its leaders, on behalf of all who want to know them."""
        self.leaders: dict[str, Mapping[Partition, Server]] = {}
        """Of each topic that was asked for: the server that each partition is written to and read from."""
        self.failures: dict[str, Away] = {}
        """Of each topic: why its leaders were not found when they were asked for last in vain."""
        self.lost = False

    async def open(self, servers: Sequence[Endpoint]) -> None:
        """
        Raises:
            Away: none of them can be reached.
            OutOfOrder: they do not let us in.
        """
        away = Away("No server of Kafka is known.")
        for server in servers:
            try:
                await self._meet(server)
                return
            except Away as error:
                away = error
                self.lost = False
        raise away

    async def describe(self, topics: Sequence[str]) -> Sequence[Any]:
        """What the cluster says about topics. None is made by asking."""
        answer = await self.ask(MetadataRequest(list(topics), allow_auto_topic_creation=False))
        self._remember(answer)
        described: Sequence[Any] = answer.topics
        return described

    async def ask(self, request: Any) -> Any:
        """Ask any server."""
        connection = await self.to(next(iter(self._addresses)))
        return await connection.ask(request)

    async def to(self, server: Server) -> Connection:
        """The connection to a server for requests that are answered at once."""
        async with self._connecting:
            known = self._shared.get(server)
            if known is not None and known.is_open:
                return known
            if known is not None:
                await self.close(known)
            self._shared[server] = await self.another_to(server)
            return self._shared[server]

    async def another_to(self, server: Server) -> Connection:
        """A connection that waits for nobody else. Who asks for it closes it: `close`."""
        if server not in self._addresses:
            raise Away(f"Kafka's server {server} has left its cluster.")
        return await self._connect(self._addresses[server])

    async def close(self, connection: Connection) -> None:
        self._open.discard(connection)
        await connection.close()

    async def close_all(self) -> None:
        self.lost = True
        await asyncio.gather(*(self.close(connection) for connection in list(self._open)))

    def lose(self) -> None:
        """Nothing more is asked over any of them, and nobody waits for an answer any more."""
        self.lost = True
        for connection in self._open:
            connection.drop()

    async def _meet(self, address: Endpoint) -> None:
        """Learn which servers the cluster has."""
        connection = await self._connect(address)
        try:
            self._remember(await connection.ask(MetadataRequest([], allow_auto_topic_creation=False)))
        finally:
            await self.close(connection)

    def _remember(self, answer: Any) -> None:
        if not answer.brokers:
            raise Away("No server of Kafka has joined its cluster yet.")
        self._addresses = {Server(server): (host, port) for server, host, port, _ in answer.brokers}

    async def _connect(self, address: Endpoint) -> Connection:
        if self.lost:
            raise Away("A connection to Kafka was lost.")
        host, port = address
        try:
            with translated(), introducing():
                driver = await create_conn(
                    host,
                    port,
                    client_id=self._name,
                    request_timeout_ms=int(ANSWER_SECONDS_MAX * 1_000),
                    **self._options,
                )
        except Away:
            self.lose()
            raise
        connection = Connection(driver, self.lose)
        if self.lost:  # Meanwhile.
            await connection.close()
            raise Away("A connection to Kafka was lost.")
        self._open.add(connection)
        return connection


class Link:
    """The present connections. Safe to use from several tasks."""

    def __init__(self, servers: Sequence[Endpoint], name: str, openness: Openness, **options: Any) -> None:
        self._servers, self._name, self._openness, self._options = servers, name, openness, options
        self._connections: Connections | None = None
        self._connecting = asyncio.Lock()
        self._threshold = Threshold()

    async def connected(self) -> Connections:
        """
        Raises:
            Away: no server can be reached.
            OutOfOrder: they do not let us in.
            Unavailable: the broker has been closed.
        """
        async with self._connecting:
            self._openness.check()
            if self._connections is None or self._connections.lost:
                await self._close()
                self._connections = await self._threshold.cross(self._connect)
            return self._connections

    async def _connect(self) -> Connections:
        fresh = Connections(self._name, **self._options)
        try:
            await fresh.open(self._servers)
        except BaseException:
            await fresh.close_all()
            raise
        return fresh

    async def close(self) -> None:
        if self._connections is not None:
            self._connections.lose()  # At once, so that nobody is kept waiting by a server that does not answer.
        async with self._connecting:
            await self._close()

    async def _close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            with suppress(Unavailable), translated():
                await connections.close_all()
