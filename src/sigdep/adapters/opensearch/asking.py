"""The few calls of HTTP by which a search index is asked."""

import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import msgspec

from sigdep.adapters.opensearch.errors import refusal, translated
from sigdep.kernel.errors import Unavailable

CONNECTIONS_MAX: Final = 16

ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
"""A page of entries with the longest texts."""


class Answer(dict[str, Any]):
    """A JSON object. Where it lacks what we look for, it is the answer of something else than our server."""

    def __missing__(self, key: str) -> Any:
        raise _strange()


_encode: Final = msgspec.json.Encoder().encode


class Server:
    """One address, with its connections. They are made when they are first needed."""

    def __init__(self, url: str, authority: bytes | None) -> None:
        parts = urlsplit(url)
        self._origin: Final = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._headers: Final[dict[str, str]] = {}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
        self._authority = authority
        self._session: aiohttp.ClientSession | None = None

    async def exists(self, *path: str, seconds: float) -> bool:
        return await self._send("HEAD", path, {}, None, "", seconds) is not None

    async def get(self, *path: str, seconds: float) -> Answer | None:
        """None: there is no such thing."""
        return await self._send("GET", path, {}, None, "", seconds)

    async def ask(
        self, method: str, *path: str, seconds: float, body: Any = None, parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """
        Raises:
            ModelGone: an index that the path names does not exist.
            Invalid: the server refuses.
            Unavailable: it cannot be reached, or not just now.
        """
        encoded = None if body is None else _encode(body)
        answer = await self._send(method, path, parameters or {}, encoded, "application/json", seconds)
        return _there(answer)

    async def ask_lines(
        self, *path: str, seconds: float, lines: Sequence[bytes], parameters: Mapping[str, str]
    ) -> Answer:
        """As `ask`, with JSON texts one below the other."""
        body = b"\n".join((*lines, b""))
        return _there(await self._send("POST", path, parameters, body, "application/x-ndjson", seconds))

    async def _send(
        self,
        method: str,
        path: Sequence[str],
        parameters: Mapping[str, str],
        body: bytes | None,
        kind: str,
        seconds: float,
    ) -> Answer | None:
        """None: 404, where it is not an index that is missing."""
        url = f"{self._origin}/{'/'.join(quote(part, safe='') for part in path)}"
        headers = {"Content-Type": kind} if body is not None else {}
        with translated():
            async with self._opened().request(
                method,
                url,
                params=parameters,
                data=None if body is None else BytesIO(body),  # Sent piece by piece: it may be large.
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as response:
                status, said = response.status, await _body(response)
        if status < 300:
            return _decoded(said)
        error = _error_in(said)
        if status == 404 and not isinstance(error, Mapping):
            return None
        raise refusal(status, error)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = None if self._authority is None else ssl.create_default_context(cadata=self._authority.decode())
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, ssl=True if context is None else context)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, trust_env=False)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Unavailable("The search index says more than was asked for.")
        parts.append(part)
    return b"".join(parts)


def _decoded(said: bytes) -> Answer:
    if not said:
        return Answer()
    try:
        return Answer(msgspec.json.decode(said, type=dict[str, Any]))
    except msgspec.DecodeError:
        raise _strange() from None


def _error_in(said: bytes) -> Any:
    """None: it was said by something before the server."""
    try:
        return msgspec.json.decode(said, type=dict[str, Any]).get("error")
    except msgspec.DecodeError:
        return None


def _strange() -> Unavailable:
    return Unavailable("What answers at the search index's address is neither OpenSearch nor Elasticsearch.")


def _there(answer: Answer | None) -> Answer:
    if answer is None:
        raise _strange()
    return answer
