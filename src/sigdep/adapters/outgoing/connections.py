"""Connections to outside that can be made to checked addresses alone."""

import errno
import socket
import ssl
from contextlib import suppress
from typing import Any, Final

import aiohttp
from aiohttp.typedefs import LooseHeaders

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.answers import Answer, NoAnswer
from sigdep.adapters.outgoing.names import CheckedNames, LookUp

CONNECTIONS_MAX: Final = 64
CONNECTIONS_TO_ONE_MAX: Final = 8
"""So that somebody slow does not keep the others waiting."""

KEPT_SECONDS: Final = 4.0
"""Less than what servers keep an idle connection for: one that they close as we send looks like a failure."""

ANSWER_BYTES_MAX: Final = 64 * 1024
"""The rest is not read."""

HEADER_BYTES_MAX: Final = 8_190


class Connections:
    """Those with TLS, or those without. Opened when they are first needed."""

    def __init__(self, rules: AddressRules, look_up: LookUp, authority: bytes | None, *, encrypted: bool) -> None:
        self._rules, self._encrypted = rules, encrypted
        self._session: Final = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=CheckedNames(look_up, rules, encrypted=encrypted),
                use_dns_cache=False,
                limit=CONNECTIONS_MAX,
                limit_per_host=CONNECTIONS_TO_ONE_MAX,
                keepalive_timeout=KEPT_SECONDS,
                ssl=_context(authority) if encrypted else False,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # A small answer may unpack to a large one.
            trust_env=False,  # A proxy would connect to whatever it likes.
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )

    async def post(self, url: str, body: bytes, headers: LooseHeaders, seconds: float) -> Answer:
        """
        Raises:
            AddressRefused: its name leads to nowhere that may be connected to.
            NoAnswer: it cannot be reached, or has not answered in time.
        """
        try:
            async with self._session.post(
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                return Answer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _beginning(response),
                )
        except TimeoutError as error:
            raise NoAnswer(f"The other side has not answered within {seconds:g} s.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(_sentence(error)) from error

    def _socket(self, place: Any) -> socket.socket:
        """The last look: every connection begins here, also to an address that was never a name."""
        family, kind, protocol, _, where = place
        if not self._rules.permits(str(where[0]), encrypted=self._encrypted):
            raise OSError(errno.EACCES, "Nothing is sent to this address.")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        await self._session.close()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    # Who cuts off their answer, or drips it, has answered: the status has said it.
    with suppress(aiohttp.ClientError, TimeoutError):
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size >= ANSWER_BYTES_MAX:
                break
    if not response.content.is_eof():
        response.close()  # Else the rest would be read before the connection is used again.
    return b"".join(parts)[:ANSWER_BYTES_MAX]


def _context(authority: bytes | None) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=None if authority is None else authority.decode())


def _sentence(error: Exception) -> str:
    """Without what the other side said, and without the address, which may hold a secret."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "The name of the other side cannot be resolved."
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "The other side cannot show a certificate that is good for its name."
        case aiohttp.ClientConnectorError():
            return f"The other side cannot be reached ({type(error.os_error).__name__})."
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return "The other side closed the connection before it had answered."
        case _:
            return f"The other side does not speak HTTP as we do ({type(error).__name__})."
