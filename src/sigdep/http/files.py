"""Bodies and answers that are no JSON: text of a kind that a standard names, as it is."""

import asyncio
import gzip
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

from msgspec import Struct

from sigdep.http.bodies import BODY_BYTES_MAX, BodyReader
from sigdep.http.exchange import Exchange, Header
from sigdep.http.refusals import UnsupportedMediaType
from sigdep.http.replies import Reply
from sigdep.http.routes import Body

F = TypeVar("F")

COMPRESSED_OCTETS_MIN: Final = 1_024
"""Less is sent as it is."""
GZIP_LEVEL: Final = 6


class FileBody(Body, frozen=True, kw_only=True):
    """A body that is no JSON."""

    media_type: ClassVar[str]
    """The only one that is taken."""
    bytes_max: ClassVar[int] = BODY_BYTES_MAX
    """More is refused before it is read."""
    content: bytes


class File(Struct, frozen=True, kw_only=True):
    """An answer that is no JSON, with an ETag of its content."""

    content: bytes
    media_type: str
    name: str
    """As which a browser would keep it."""
    modified_at: datetime
    shown: bool = False
    """A page for people: browsers show it, and do not keep it."""


class FileReader(BodyReader[F]):
    """Reads the bodies of one route, whose type is a FileBody."""

    def __init__(self, kind: type[F]) -> None:
        super().__init__(kind)
        assert issubclass(kind, FileBody)
        self.bytes_max = kind.bytes_max

    def read(self, body: bytes, headers: Any) -> F:
        """
        Raises:
            UnsupportedMediaType: it is said to be something else, or is compressed.
        """
        kind: Any = self._kind
        given = headers.get(b"content-type", b"").lower().partition(b";")
        charset = given[2].strip().replace(b'"', b"")
        if given[0].strip() != kind.media_type.encode() or charset.partition(b"charset=")[2] not in (b"", b"utf-8"):
            raise UnsupportedMediaType(f"Send the body with Content-Type: {kind.media_type}; charset=utf-8.")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
        read: F = kind(content=body)
        return read


async def file_reply(exchange: Exchange, file: File, headers: list[Header]) -> Reply:
    """The file, compressed where that is understood; 304 where the asker has it (RFC 9110 §13.1.2).

    `If-Modified-Since` is passed over: two texts of one second would be one.
    """
    tag = sha256(file.content).hexdigest()[:32].encode()
    compressed = len(file.content) >= COMPRESSED_OCTETS_MIN and _takes_gzip(exchange.headers)
    etag = b'"%s-gzip"' % tag if compressed else b'"%s"' % tag
    headers += [
        (b"etag", etag),
        (b"last-modified", format_datetime(file.modified_at, usegmt=True).encode()),
        (b"vary", b"accept-encoding"),
    ]
    given = exchange.headers.get(b"if-none-match")
    if given is not None and _has(given, tag):
        return Reply(304, headers)
    content = file.content
    if compressed:
        # In a thread: while zlib works, others are served. Always the same octets: there is no time in them.
        content = await asyncio.to_thread(gzip.compress, content, GZIP_LEVEL, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-type", f"{file.media_type}; charset=utf-8".encode()))
    if not file.shown:
        headers.append((b"content-disposition", f"attachment; filename*=UTF-8''{quote(file.name, safe='')}".encode()))
    return Reply(200, headers, content)


def _has(given: bytes, tag: bytes) -> bool:
    if given.strip() == b"*":
        return True
    known = (b'"%s"' % tag, b'"%s-gzip"' % tag)
    return any(candidate.strip().removeprefix(b"W/") in known for candidate in given.split(b","))


def _takes_gzip(headers: Mapping[bytes, bytes]) -> bool:
    for coding in headers.get(b"accept-encoding", b"").lower().split(b","):
        name, _, weight = coding.partition(b";")
        if name.strip() in (b"gzip", b"*"):
            return weight.replace(b" ", b"").rstrip(b"0").rstrip(b".") not in (b"q=", b"q=0")
    return False
