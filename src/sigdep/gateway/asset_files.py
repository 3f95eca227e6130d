"""The files of the documentation page, with the hashes that they must have."""

from base64 import b64encode
from hashlib import sha512
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec
from msgspec import Struct

_FOLDER: Final[Traversable] = files("sigdep.gateway") / "assets"

CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}


class Vendored(Struct, frozen=True):
    """What we ship of somebody else's package, unchanged."""

    package: str
    version: str
    license: str
    integrity: str
    """Of the package as npm serves it."""
    files: dict[str, str]
    """By name, the hash as in Subresource Integrity."""


def vendored() -> Vendored:
    return msgspec.json.decode((_FOLDER / "swagger-ui" / "lock.json").read_bytes(), type=Vendored)


def read_vendored(name: str) -> bytes:
    return (_FOLDER / "swagger-ui" / name).read_bytes()


def read_own(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def integrity(content: bytes) -> str:
    return "sha512-" + b64encode(sha512(content).digest()).decode()
