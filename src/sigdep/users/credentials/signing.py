"""Access tokens: JWTs signed with Ed25519, which anybody can verify with the public keys that we publish.

RFC 9068 says what stands in them, RFC 8725 what to refuse, RFC 7517 and 8037 how the keys look.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from msgspec import Struct

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Unauthenticated
from sigdep.users.events.people import SessionId

ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"
LIFETIME_SECONDS_MAX: Final = 900
LEEWAY_SECONDS: Final = 5
"""By which the clocks of our processes may differ."""


class JsonWebKey(Struct, frozen=True, kw_only=True):
    """A public key (RFC 8037 §2)."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = ALGORITHM
    use: str = "sig"


class JsonWebKeySet(Struct, frozen=True):
    keys: Sequence[JsonWebKey]


class Claims(Struct, frozen=True):
    """Of a token that has been verified."""

    user_id: UserId
    session_id: SessionId
    expires: float
    """Seconds since 1970."""


class NotOurToken(Unauthenticated):
    """Forged, expired or not meant for us: the caller is not told which."""

    def __init__(self) -> None:
        super().__init__("This token is not valid, or has expired. Sign in again or refresh it.")


class SigningKeys:
    """The key that signs, and those that only verify: the one before until its last token has expired, or the next
    one ahead of its turn, so that whoever keeps our public keys knows it in time."""

    def __init__(self, signing: bytes, *others: bytes) -> None:
        """
        Raises:
            ValueError: one of them is no Ed25519 key in PEM.
        """
        self._signing = _load(signing)
        public = [self._signing.public_key(), *(_load(other).public_key() for other in others)]
        self._keys = {_thumbprint(key): key for key in public}
        self.kid = _thumbprint(self._signing.public_key())

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._signing, ALGORITHM, headers={"typ": TYPE, "kid": self.kid})

    def find(self, kid: str) -> Ed25519PublicKey | None:
        return self._keys.get(kid)

    @property
    def public(self) -> JsonWebKeySet:
        return JsonWebKeySet([JsonWebKey(kid=kid, x=_x(key)) for kid, key in self._keys.items()])


class AccessTokens:
    """Signs and verifies the access tokens of one issuer."""

    def __init__(self, keys: SigningKeys, *, issuer: str, lifetime_seconds: int = LIFETIME_SECONDS_MAX) -> None:
        """
        Args:
            issuer: the public URL of this server, which is the audience too: our tokens are for ourselves.
        """
        if not 0 < lifetime_seconds <= LIFETIME_SECONDS_MAX:
            raise ValueError(f"Access tokens live for at most {LIFETIME_SECONDS_MAX} seconds.")
        self.keys = keys
        self.issuer = issuer
        self.lifetime_seconds = lifetime_seconds

    def sign(self, user_id: UserId, session_id: SessionId, *, token_id: UUID, at: datetime) -> str:
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": str(user_id),
            "sid": str(session_id),
            "client_id": "sigdep",
            "jti": str(token_id),
            "iat": int(at.timestamp()),
            "exp": int((at + timedelta(seconds=self.lifetime_seconds)).timestamp()),
        }
        return self.keys.sign(claims)

    def verify(self, token: str, *, now: float) -> Claims:
        """
        Args:
            now: seconds since 1970.

        Raises:
            NotOurToken: it is not a valid access token of ours at this moment.
        """
        try:
            claims = self._verified(token)
            issued, expires = claims["iat"], claims["exp"]
            if not isinstance(issued, int) or not isinstance(expires, int):
                raise NotOurToken
            if now >= expires or max(issued, claims.get("nbf", issued)) > now + LEEWAY_SECONDS:
                raise NotOurToken
            return Claims(UserId(UUID(claims["sub"])), SessionId(UUID(claims["sid"])), expires)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError):
            raise NotOurToken from None

    def _verified(self, token: str) -> dict[str, Any]:
        """The claims, once the signature, the issuer and the audience are right. Its times are not looked at: PyJWT
        would read the clock, which is the caller's to do."""
        header = jwt.get_unverified_header(token)
        key = self.keys.find(header.get("kid", ""))
        if key is None or header.get("typ", "").lower() not in (TYPE, f"application/{TYPE}"):
            raise NotOurToken
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self.issuer,
            issuer=self.issuer,
            options={
                "require": ["iss", "aud", "sub", "sid", "jti", "iat", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        return claims


def _load(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("A signing key must be an Ed25519 key in PEM.")
    return key


def _x(key: Ed25519PublicKey) -> str:
    octets = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638 §3, with the members that RFC 8037 §2 names."""
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": _x(key)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(sha256(members.encode()).digest()).rstrip(b"=").decode()
