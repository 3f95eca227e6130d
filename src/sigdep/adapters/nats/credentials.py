"""What a `.creds` file of NATS holds: who comes, as an account has signed it, and the key that shows it is them.

nats-py would read it by a package of its own, nkeys, that brings a second library for what `cryptography` does here.
"""

import binascii
import re
from base64 import b32decode, b64encode
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

USER_SEED: Final = (0b10010_101, 0b00000_000)
"""The first two bytes of a user's seed: five bits for a seed, eight for a user, and nothing."""

SEED_BYTES: Final = 32

_SECTION: Final = r"-----BEGIN {0}-----\s+(\S+)\s+-+END {0}-+"

_JWT: Final = re.compile(_SECTION.format("NATS USER JWT"))
_SEED: Final = re.compile(_SECTION.format("USER NKEY SEED"))


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Of one user."""

    jwt: str = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """
        Raises:
            ValueError: it is not what `nsc generate creds` writes. The text does not repeat it.
        """
        jwt, seed = _JWT.search(text), _SEED.search(text)
        if jwt is None or seed is None:
            raise ValueError("Credentials of NATS are a NATS USER JWT and a USER NKEY SEED, as nsc writes them.")
        return cls(jwt=jwt[1], key=_key(seed[1]))

    def options(self) -> dict[str, Any]:
        """Of nats-py's `connect`."""
        return {"user_jwt_cb": self.jwt.encode, "signature_cb": self._sign}

    def _sign(self, nonce: str) -> bytes:
        return b64encode(self.key.sign(nonce.encode()))


def _key(seed: str) -> Ed25519PrivateKey:
    """
    Raises:
        ValueError: it is no user's seed.
    """
    try:
        raw = b32decode(seed + "=" * (-len(seed) % 8))
    except ValueError:
        raw = b""
    secret, check = raw[len(USER_SEED) : -2], int.from_bytes(raw[-2:], "little")
    if tuple(raw[:2]) != USER_SEED or len(secret) != SEED_BYTES or binascii.crc_hqx(raw[:-2], 0) != check:
        raise ValueError("The USER NKEY SEED is not one of a user, or has been cut or changed.")
    return Ed25519PrivateKey.from_private_bytes(secret)
