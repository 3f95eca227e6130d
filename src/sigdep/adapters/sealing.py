"""Seals with AES-256-GCM: what is stored of an event is unreadable without its subject's key."""

from os import register_at_fork, urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sigdep.kernel.errors import LogDamaged

KEY_BYTES: Final = 32

_NONCE_BYTES: Final = 12
"""Random, stored in front: good for 2^32 events of one key (NIST SP 800-38D §8.3), more than a person makes."""

_NONCES_AT_ONCE: Final = 256
"""To ask the system for each alone takes longer than to encrypt an event."""

_nonces: Final[list[bytes]] = []
"""Random and unused. `pop` gives each to one thread only, and a forked process begins with none."""

register_at_fork(after_in_child=_nonces.clear)


def _nonce() -> bytes:
    while True:
        try:
            return _nonces.pop()
        except IndexError:
            octets = urandom(_NONCE_BYTES * _NONCES_AT_ONCE)
            _nonces.extend(octets[first : first + _NONCE_BYTES] for first in range(0, len(octets), _NONCE_BYTES))


class AesGcmKey:
    """One subject's key, in memory. Also wraps other keys."""

    __slots__ = ("_decrypt", "_encrypt")

    def __init__(self, secret: bytes) -> None:
        """
        Raises:
            ValueError: the secret has not KEY_BYTES.
        """
        if len(secret) != KEY_BYTES:
            raise ValueError(f"A key has {KEY_BYTES} bytes; this one has {len(secret)}.")
        cipher = AESGCM(secret)
        self._encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate. `context` is bound to the result, not stored in it."""
        nonce = _nonce()
        return nonce + self._encrypt(nonce, plaintext, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """The plaintext.

        Raises:
            LogDamaged: the bytes or the context are not those that were sealed.
        """
        try:
            return self._decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise LogDamaged(f"Sealed bytes of {context.decode(errors='replace')} have been changed.") from error
