"""By what a push service knows this server (RFC 8292)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sigdep.adapters.webpush.encryption import point_of

TOKEN_SECONDS: Final = 12 * 3_600
"""Push services take no more than 24 h. Ours may be wrong by half of that."""
RENEWED_SECONDS_BEFORE: Final = 3_600
TOKENS_MAX: Final = 128
"""One for each push service: there are few, but users give them."""


class Vapid:
    """Signs for one push service after the other."""

    def __init__(self, key: bytes, subject: str, now: Callable[[], float]) -> None:
        """
        Args:
            key: of P-256, PEM.
            subject: whom a push service can write to: a mailto: or https: URL. Empty: it cannot.

        Raises:
            ValueError: it is no such key.
        """
        private = load_pem_private_key(key, None)
        if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
            raise ValueError("The key of Web Push is no key of P-256.")
        self._key, self._subject, self._now = private, subject, now
        self.public: Final = urlsafe_b64encode(point_of(private.public_key())).rstrip(b"=").decode()
        """What a browser is given when it subscribes: `applicationServerKey`."""
        self._tokens: dict[str, tuple[str, float]] = {}

    def authorization(self, endpoint: str) -> str:
        """For a request to a push service."""
        parts = urlsplit(endpoint)
        origin, now = f"{parts.scheme}://{parts.netloc}", self._now()
        token, expires = self._tokens.get(origin, ("", 0.0))
        if not now < expires - RENEWED_SECONDS_BEFORE <= now + TOKEN_SECONDS:  # Also where the clock was set back.
            token, expires = self._signed(origin, now), now + TOKEN_SECONDS
            if len(self._tokens) >= TOKENS_MAX:
                self._tokens.pop(next(iter(self._tokens)))
            self._tokens[origin] = (token, expires)
        return f"vapid t={token}, k={self.public}"

    def _signed(self, origin: str, now: float) -> str:
        claims: dict[str, Any] = {"aud": origin, "exp": int(now) + TOKEN_SECONDS}
        if self._subject:
            claims["sub"] = self._subject
        return jwt.encode(claims, self._key, algorithm="ES256")
