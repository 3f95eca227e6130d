"""From a name to the addresses that may be connected to: what was checked is what is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from sigdep.adapters.outgoing.addresses import LEADS_INSIDE, NOT_ENCRYPTED, AddressRefused, AddressRules

LOOKED_UP_AT_ONCE_MAX: Final = 16
"""A name whose server never answers holds a thread for long. Ours alone: others must not wait for it."""

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a name, as numbers. OSError: it cannot be resolved."""


class SystemNames:
    """Asks the system, in threads of our own."""

    def __init__(self) -> None:
        self._threads: Final = ThreadPoolExecutor(LOOKED_UP_AT_ONCE_MAX, thread_name_prefix="names")

    async def look_up(self, name: str) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _addresses, name)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(name: str) -> Sequence[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class CheckedNames(AbstractResolver):
    """Gives the addresses of a name that may be connected to.

    A name is resolved once for each connection, and the connection goes to an address that this has given: a name that
    leads elsewhere a moment later changes nothing.
    """

    def __init__(self, look_up: LookUp, rules: AddressRules, *, encrypted: bool) -> None:
        self._look_up, self._rules, self._encrypted = look_up, rules, encrypted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """
        Raises:
            AddressRefused: it leads nowhere but to places that nothing is sent to.
            OSError: it cannot be resolved.
        """
        found = await self._look_up(host)
        permitted = [address for address in found if self._rules.permits(address, encrypted=self._encrypted)]
        if found and not permitted:
            raise AddressRefused(LEADS_INSIDE if self._encrypted else NOT_ENCRYPTED)
        return [_result(host, address, port) for address in permitted]

    async def close(self) -> None:
        """Whoever looks up is closed by whoever opened it."""


def _result(name: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=name,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
