"""Which connection is used: made when it is needed, to the first node that answers."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

from sigdep.adapters.outages import Away, Openness, Threshold
from sigdep.adapters.rabbitmq.address import Address
from sigdep.adapters.rabbitmq.connecting import Connection
from sigdep.adapters.rabbitmq.errors import translated
from sigdep.kernel.errors import Unavailable

CONNECT_SECONDS_MAX: Final = 5.0


class Link:
    """Connections that have room for more, and are there. Safe to use from several tasks."""

    def __init__(self, addresses: Sequence[Address], openness: Openness, tls: ssl.SSLContext | None = None) -> None:
        self._addresses, self._openness, self._tls = list(addresses), openness, tls
        self._connections = list[Connection]()
        self._connecting = asyncio.Lock()
        self._threshold = Threshold()

    async def connected(self) -> Connection:
        """One that has room for a subscription.

        Raises:
            Away: no node can be reached.
            OutOfOrder: it does not let us in, or takes too little.
            Unavailable: the broker has been closed.
        """
        async with self._connecting:
            self._openness.check()
            self._connections = [one for one in self._connections if not one.lost.is_set()]
            for one in self._connections:
                if one.has_room:
                    return one
            self._connections.append(await self._threshold.cross(self._connect_to_any))
            return self._connections[-1]

    async def close(self) -> None:
        async with self._connecting:
            for one in self._connections:
                await one.close()

    async def _connect_to_any(self) -> Connection:
        failure: Unavailable = Away("RabbitMQ has no address.")
        for address in list(self._addresses):
            try:
                return await self._connect(address)
            except Unavailable as error:
                failure = error
                self._addresses.append(self._addresses.pop(0))  # The next attempt begins with another one.
        raise failure

    async def _connect(self, address: Address) -> Connection:
        fresh = Connection(address, self._tls)
        try:
            with translated():
                async with asyncio.timeout(CONNECT_SECONDS_MAX):
                    await fresh.open()
        except BaseException:
            await fresh.close()
            raise
        return fresh
