"""Opaque secrets and ids that are made from a key of the server, so that none of them is stored anywhere.

Each is an HMAC-SHA256 of what it stands for: whoever repeats a request gets the same secret again,
and a genuine one is told from a made-up one before the database is asked.
"""

import hmac
import zlib
from hashlib import sha256
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import CommandId
from sigdep.users.events.people import EmailId, InvitationId, SessionId, TokenId

KEY_BYTES_MIN: Final = 32

PREFIX: Final = "sigdep_"
REFRESH_PREFIX: Final = "sigdep_refresh_"
INVITATION_PREFIX: Final = "sigdep_invitation_"

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_SECRET_BYTES: Final = 32
_SECRET_DIGITS: Final = 43  # 62 ** 43 > 2 ** 256
_CHECKSUM_DIGITS: Final = 6  # 62 ** 6 > 2 ** 32
_ID_BYTES: Final = 16
_GENERATION_BYTES: Final = 4
_INVITATION_PROOF_BYTES: Final = 16


class Opaque:
    """Makes and reads what is derived from the server's key. Losing the key signs everybody out, and for ever:
    the ids of email addresses are made with it. Back it up with the data."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"The key of the users context needs {KEY_BYTES_MIN} bytes; it has {len(key)}.")
        self._key = key

    def email_id(self, normalised: str) -> EmailId:
        """Which stream claims an address. The same for every way to write the same address: normalise it first."""
        return EmailId(UUID(bytes=self._proof(b"email", normalised.encode())[:_ID_BYTES]))

    def access_token(self, user_id: UserId, token_id: TokenId) -> str:
        """A personal access token: 256 bits that nobody can guess, and a checksum by which scanners recognise it."""
        digits = base62(self._proof(b"token", user_id.bytes + token_id.bytes), _SECRET_DIGITS)
        return PREFIX + digits + _checksum(digits)

    def refresh_token(self, session_id: SessionId, generation: int) -> str:
        content = session_id.bytes + generation.to_bytes(_GENERATION_BYTES, "big")
        return REFRESH_PREFIX + base62(content + self._proof(b"refresh", content), _REFRESH_DIGITS)

    def read_refresh_token(self, text: str) -> tuple[SessionId, int] | None:
        """Which session and generation a refresh token stands for. None: it is none of ours."""
        octets = _octets(text, REFRESH_PREFIX, _REFRESH_DIGITS, _REFRESH_BYTES)
        if octets is None:
            return None
        content, proof = octets[:-_SECRET_BYTES], octets[-_SECRET_BYTES:]
        if not hmac.compare_digest(proof, self._proof(b"refresh", content)):
            return None
        return SessionId(UUID(bytes=content[:_ID_BYTES])), int.from_bytes(content[_ID_BYTES:], "big")

    def invitation_token(self, workspace_id: WorkspaceId, invitation_id: InvitationId) -> str:
        content = workspace_id.bytes + invitation_id.bytes
        proof = self._proof(b"invitation", content)[:_INVITATION_PROOF_BYTES]
        return INVITATION_PREFIX + base62(content + proof, _INVITATION_DIGITS)

    def read_invitation_token(self, text: str) -> tuple[WorkspaceId, InvitationId] | None:
        """Which invitation a token stands for. None: it is none of ours."""
        octets = _octets(text, INVITATION_PREFIX, _INVITATION_DIGITS, _INVITATION_BYTES)
        if octets is None:
            return None
        content, proof = octets[:-_INVITATION_PROOF_BYTES], octets[-_INVITATION_PROOF_BYTES:]
        if not hmac.compare_digest(proof, self._proof(b"invitation", content)[:_INVITATION_PROOF_BYTES]):
            return None
        return WorkspaceId(UUID(bytes=content[:_ID_BYTES])), InvitationId(UUID(bytes=content[_ID_BYTES:]))

    def _proof(self, purpose: bytes, content: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\x00" + content, "sha256")


def derived_id(command_id: CommandId, purpose: str) -> UUID:
    """An id that a command makes: the same whenever the command is repeated, and its clock that of the command's.

    A UUIDv7 (RFC 9562 §5.7) whose random bits are a digest.
    """
    digest = sha256(purpose.encode() + b"\x00" + command_id.bytes).digest()
    bits = int.from_bytes(command_id.bytes[:6] + digest[:10], "big")
    bits = bits & ~(0xF << 76) | 0x7 << 76
    return UUID(int=bits & ~(0x3 << 62) | 0x2 << 62)


def is_access_token(text: str) -> bool:
    """Whether the text has the form of a personal access token, checksum and all. Costs no look-up."""
    start, end = len(PREFIX), len(PREFIX) + _SECRET_DIGITS
    return (
        len(text) == end + _CHECKSUM_DIGITS
        and text.startswith(PREFIX)
        and hmac.compare_digest(text[end:].encode(), _checksum(text[start:end]).encode())
    )


def fingerprint(token: str) -> str:
    """What is stored of a personal access token. Plain SHA-256 is enough: there is nothing to guess in 256 bits."""
    return sha256(token.encode()).hexdigest()


def base62(octets: bytes, digits: int) -> str:
    """The octets as one number, in digits and letters, always as many of them."""
    number = int.from_bytes(octets, "big")
    text: list[str] = []
    for _ in range(digits):
        number, rest = divmod(number, 62)
        text.append(_DIGITS[rest])
    return "".join(reversed(text))


def _digits_for(octets: int) -> int:
    """How many digits hold every value of so many octets."""
    digits = 1
    while 62**digits < 256**octets:
        digits += 1
    return digits


_REFRESH_BYTES: Final = _ID_BYTES + _GENERATION_BYTES + _SECRET_BYTES
_REFRESH_DIGITS: Final = _digits_for(_REFRESH_BYTES)
_INVITATION_BYTES: Final = 2 * _ID_BYTES + _INVITATION_PROOF_BYTES
_INVITATION_DIGITS: Final = _digits_for(_INVITATION_BYTES)


def _checksum(digits: str) -> str:
    return base62(zlib.crc32(digits.encode()).to_bytes(4, "big"), _CHECKSUM_DIGITS)


def _octets(text: str, prefix: str, digits: int, octets: int) -> bytes | None:
    """What stands behind the prefix, as octets. None: it has another form."""
    if len(text) != len(prefix) + digits or not text.startswith(prefix):
        return None
    number = 0
    for digit in text[len(prefix) :]:
        value = _VALUES.get(digit)
        if value is None:
            return None
        number = number * 62 + value
    return number.to_bytes(octets, "big") if number < 256**octets else None
