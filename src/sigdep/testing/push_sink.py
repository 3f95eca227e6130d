"""A push service with one browser behind it, which opens what it is sent with another implementation than ours."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from os import urandom
from time import time
from typing import Final

import http_ece
import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sigdep.testing.http_sink import HttpSink

BODY_BYTES_MAX: Final = 4_096
TTL_SECONDS_MAX: Final = 28 * 24 * 3_600
TOKEN_SECONDS_MAX: Final = 24 * 3_600

_VAPID: Final = re.compile(r"vapid t=([\w.-]+), ?k=([\w-]+)", re.ASCII)
_TOPIC: Final = re.compile(r"[\w-]{1,32}", re.ASCII)


class PushSink(HttpSink):
    """RFC 8030 from the other side: it demands what a strict push service demands, and then decrypts."""

    subscribed_with: str = ""
    """The server's key that the browser has subscribed with, in Base64 for URLs. Empty: any."""

    def __init__(self) -> None:
        super().__init__()
        self._key = generate_private_key(SECP256R1())
        self._auth = urandom(16)

    @property
    def subscription(self) -> bytes:
        """As the browser gives it to a server."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _unpadded(point), "auth": _unpadded(self._auth)}
        return msgspec.json.encode({"endpoint": f"{self.url}/push/1", "expirationTime": None, "keys": keys})

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        if fault := self._fault(request, body):
            self.records.faults.append(fault)
            return web.Response(status=400)
        told = msgspec.json.decode(http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth))
        self.records.take(told["key"], told["title"], told.get("body", ""), raw=(dict(request.headers), told))
        return web.Response(status=201, headers={"Location": f"{self.url}/message/{self.records.asked}"})

    def _fault(self, request: web.Request, body: bytes) -> str | None:
        headers = request.headers
        if len(body) > BODY_BYTES_MAX:
            return f"The content has {len(body)} bytes."
        if headers.get("Content-Encoding") != "aes128gcm":
            return "The content is not encoded as aes128gcm."
        if not headers.get("TTL", "").isdigit() or int(headers["TTL"]) > TTL_SECONDS_MAX:
            return "There is no TTL."
        if headers.get("Urgency") not in ("very-low", "low", "normal", "high"):
            return "There is no such urgency."
        if not _TOPIC.fullmatch(headers.get("Topic", "")):
            return "The topic is none of RFC 8030 §5.4."
        return self._fault_of_vapid(headers.get("Authorization", ""))

    def _fault_of_vapid(self, authorization: str) -> str | None:
        found = _VAPID.fullmatch(authorization)
        if found is None:
            return "There is no VAPID in Authorization."
        if self.subscribed_with and found[2] != self.subscribed_with:
            return "The browser has subscribed with another key."
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), urlsafe_b64decode(found[2] + "="))
        try:
            claims = jwt.decode(found[1], key, algorithms=["ES256"], audience=self.url, options={"require": ["exp"]})
        except jwt.PyJWTError as error:
            return f"The token is not good: {error}."
        if claims["exp"] > time() + TOKEN_SECONDS_MAX:
            return "The token lasts for more than 24 h."
        subject = claims.get("sub", "mailto:nobody@example.org")
        return None if subject.startswith(("mailto:", "https://")) else "The subject is nobody to write to."


def _unpadded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
