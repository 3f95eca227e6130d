"""Content that the browser alone can read (RFC 8291 over RFC 8188, `aes128gcm`)."""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from os import urandom
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES: Final = 4_096
"""What every push service must take (RFC 8030 §7.2)."""
SALT_BYTES: Final = 16
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16
PLAIN_BYTES_MAX: Final = RECORD_BYTES - (SALT_BYTES + 4 + 1 + POINT_BYTES) - 16 - 1
"""Without the header of RFC 8188, the tag, and the delimiter."""


def encrypted(plain: bytes, receiver: EllipticCurvePublicKey, auth: bytes) -> bytes:
    """For one browser. With a key and a salt of its own each time."""
    return _encrypted(plain, receiver, auth, generate_private_key(SECP256R1()), urandom(SALT_BYTES))


def _encrypted(
    plain: bytes, receiver: EllipticCurvePublicKey, auth: bytes, sender: EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    ours, theirs = point_of(sender.public_key()), point_of(receiver)
    shared = sender.exchange(ECDH(), receiver)
    secret = _derived(shared, auth, b"WebPush: info\x00" + theirs + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([POINT_BYTES]) + ours
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)  # \x02: the last record.


def _derived(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(secret)


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """As browsers know it: the point, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def receiver_of(p256dh: str) -> EllipticCurvePublicKey:
    """
    Raises:
        ValueError: it is no point of the curve.
    """
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), unpadded(p256dh))


def auth_of(auth: str) -> bytes:
    """
    Raises:
        ValueError: it is not of the right length.
    """
    secret = unpadded(auth)
    if len(secret) != AUTH_BYTES:
        raise ValueError(f"The authentication secret has {len(secret)} bytes, and not {AUTH_BYTES}.")
    return secret


def unpadded(text: str) -> bytes:
    """
    Raises:
        ValueError: it is not Base64 for URLs.
    """
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except NotBase64 as error:
        raise ValueError("This is not Base64 for URLs.") from error
