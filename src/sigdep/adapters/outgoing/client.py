"""One request to an address outside, and what came back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.answers import Answer, NoAnswer

if TYPE_CHECKING:
    from sigdep.adapters.outgoing.connections import Connections
    from sigdep.adapters.outgoing.names import LookUp, SystemNames

_ALWAYS: Final = {"User-Agent": "SigDep", "Accept-Encoding": "identity"}


class Outgoing:
    """Sends requests to addresses that users give.

    Each name is resolved once, each address is checked, and only a checked one is connected to. No redirect is
    followed, time and size are bounded, and TLS is verified with the name. Nothing is opened, or loaded, before the
    first request.
    """

    def __init__(self, rules: AddressRules, *, look_up: "LookUp | None" = None, authority: bytes | None = None) -> None:
        """
        Args:
            look_up: None: the system is asked.
            authority: PEM: who signs the certificates of others. None: whom this system trusts.
        """
        self.rules: Final = rules
        self._look_up, self._authority = look_up, authority
        self._names: SystemNames | None = None
        self._connections: dict[bool, Connections] = {}
        self._closed = False

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
        """
        Raises:
            AddressRefused: nothing is sent there, now or ever.
            NoAnswer: it cannot be reached, or has not answered in time. It may have arrived all the same.
        """
        parts = self.rules.check(url)
        if self._closed:
            raise NoAnswer("This server is stopping.")
        connections = self._opened(encrypted=parts.scheme == "https")
        return await connections.post(url, body, {**_ALWAYS, **headers}, seconds)

    def _opened(self, *, encrypted: bool) -> "Connections":
        if encrypted not in self._connections:
            # Loaded here: a server is ready sooner without, and one that nobody has given an address never needs it.
            from sigdep.adapters.outgoing.connections import Connections  # noqa: PLC0415
            from sigdep.adapters.outgoing.names import SystemNames  # noqa: PLC0415

            if self._look_up is None:
                self._names = SystemNames()
                self._look_up = self._names.look_up
            self._connections[encrypted] = Connections(self.rules, self._look_up, self._authority, encrypted=encrypted)
        return self._connections[encrypted]

    async def close(self) -> None:
        """Safe to repeat."""
        self._closed = True
        while self._connections:
            await self._connections.popitem()[1].close()
        if self._names is not None:
            self._names.close()
