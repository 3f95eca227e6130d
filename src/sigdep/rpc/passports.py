"""Who is asking, signed: a service believes nobody's word for it.

A passport is a JWT in its compact form (RFC 7515, RFC 7519), signed with HS256 and the key that all services of a
system share. Any library makes one. Here is none, since they load what takes longer than all the rest of a start.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from sigdep.kernel.errors import Unauthenticated
from sigdep.rpc.call import Call, Principal

ALGORITHM: Final = "HS256"
TYPE: Final = "sigdep-passport+jwt"
KEY_BYTES_MIN: Final = 32
"""RFC 7518 §3.2."""

LIFETIME_SECONDS: Final = 60.0
FRESH_SECONDS: Final = 30.0
"""A passport that is good for less is made anew, so that it outlives the message on its way."""

LEEWAY_SECONDS: Final = 5.0
"""By which the clocks of our machines may differ."""

LIFETIME_SECONDS_MAX: Final = 3_600.0
"""No service accepts one that is good for longer: who loses one shall not lose it for ever."""

KNOWN_MAX: Final = 4_096
"""Passports that a process remembers, those that it has made and those that it has checked: the latest."""

SAID_SECONDS: Final = 1.0
"""A refusal is logged no more often: whoever knocks without one must not fill the disk."""

_log = structlog.get_logger("sigdep.rpc")


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a passport says (RFC 7519 §4.1)."""

    iss: str
    """Who has signed it: the role of a process."""
    aud: str
    """The service that it is for, as in `tasks.write`."""
    exp: float
    """Seconds since 1970."""
    principal: Principal | None = None
    """None: whoever has signed asks for nobody, or for somebody who has not signed in."""


class _Header(Struct, frozen=True):
    alg: str
    typ: str = TYPE


class NoPassport(Unauthenticated):
    """None, or none that is good. The caller is not told which: the log of the service is."""

    def __init__(self) -> None:
        super().__init__("This service could not make sure who is asking.")


Clock = Callable[[], float]
"""Seconds since 1970."""

Sign = Callable[[Principal | None], str]
"""The passport of whoever asks, good for one service."""

_encode: Final = msgspec.json.Encoder().encode
_decode_header: Final = msgspec.json.Decoder(_Header).decode
_decode_claims: Final = msgspec.json.Decoder(Claims).decode


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


_HEADER: Final = _base64(_encode(_Header(ALGORITHM)))


def make_passport(key: bytes, claims: Claims) -> str:
    signed = f"{_HEADER}.{_base64(_encode(claims))}"
    return f"{signed}.{_base64(hmac.digest(key, signed.encode(), 'sha256'))}"


class Signer:
    """Makes the passports of one process for one service. Whoever asks again soon has the same one."""

    def __init__(self, key: bytes, *, issuer: str, audience: str, now: Clock) -> None:
        self._key, self._issuer, self._audience, self._now = key, issuer, audience, now
        self._made: OrderedDict[object, tuple[Principal | None, str, float]] = OrderedDict()

    def __call__(self, principal: Principal | None) -> str:
        who = None if principal is None else (principal.user_id, principal.credential_id)
        now, known = self._now(), self._made.get(who)
        # The gateway asks anew who somebody is several times a second, and the answer is nearly always the same.
        if known is not None and now < known[2] and (known[0] is principal or known[0] == principal):
            return known[1]
        claims = Claims(iss=self._issuer, aud=self._audience, exp=now + LIFETIME_SECONDS, principal=principal)
        passport = make_passport(self._key, claims)
        self._made[who] = principal, passport, now + LIFETIME_SECONDS - FRESH_SECONDS
        self._made.move_to_end(who)
        if len(self._made) > KNOWN_MAX:
            self._made.popitem(last=False)
        return passport


class Gate:
    """Makes sure who asks one service."""

    def __init__(self, key: bytes, *, audience: str, now: Clock, unsigned: bool = False) -> None:
        """
        Args:
            unsigned: believe whoever shows no passport, as long as there are callers of a release that made none.
        """
        self._key, self._audience, self._now, self._unsigned = key, audience, now, unsigned
        self._known: OrderedDict[str, tuple[Principal | None, float]] = OrderedDict()
        self._said_at = 0.0

    def admit(self, call: Call) -> Call:
        """The call, with the principal that its passport names.

        Raises:
            NoPassport: there is none, it has expired, was altered or is meant for another service.
        """
        if call.passport is None and self._unsigned:
            return call
        if call.principal is not None:
            raise self._refused("somebody beside the passport")
        return replace(call, principal=self.check(call.passport), passport=None)

    def check(self, passport: str | None) -> Principal | None:
        """Whom a passport stands for.

        Raises:
            NoPassport: see `admit`.
        """
        if passport is None:
            if self._unsigned:
                return None
            raise self._refused("none")
        known = self._known.get(passport)
        if known is None:
            known = self._open(passport)
            self._known[passport] = known
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        if self._now() > known[1]:
            raise self._refused("expired")
        return known[0]

    def _open(self, passport: str) -> tuple[Principal | None, float]:
        """Whom it stands for, and until when."""
        signed, _, signature = passport.rpartition(".")
        header, _, payload = signed.partition(".")
        try:
            proper = hmac.digest(self._key, signed.encode(), "sha256")
            if not hmac.compare_digest(_octets(signature), proper):
                raise self._refused("altered, or signed with another key")
            if _decode_header(_octets(header)) != _Header(ALGORITHM):
                raise self._refused("of another kind")
            claims = _decode_claims(_octets(payload))
        except ValueError as error:  # So are those of msgspec, of base64 and of Unicode.
            raise self._refused("none that can be read") from error
        if claims.aud != self._audience:
            raise self._refused(f"for another service, signed by {claims.iss}")
        if claims.exp > self._now() + LIFETIME_SECONDS_MAX:
            raise self._refused(f"good for too long, signed by {claims.iss}")
        return claims.principal, claims.exp + LEEWAY_SECONDS

    def _refused(self, passport: str) -> NoPassport:
        now = self._now()
        if now - self._said_at >= SAID_SECONDS:
            self._said_at = now
            _log.warning("a call was refused", service=self._audience, passport=passport)
        return NoPassport()


class Passports:
    """Those of one process: it signs what it asks, and checks what it is asked."""

    def __init__(self, key: bytes, *, issuer: str, now: Clock, unsigned: bool = False) -> None:
        """
        Args:
            key: shared by all services of the system, at least 32 random bytes.
            issuer: the role of this process.
            unsigned: see Gate.
        """
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"The key of passports needs at least {KEY_BYTES_MIN} bytes, from a file that stays.")
        self._key, self._issuer, self._now, self._unsigned = key, issuer, now, unsigned

    def signer(self, audience: str) -> Signer:
        return Signer(self._key, issuer=self._issuer, audience=audience, now=self._now)

    def gate(self, audience: str) -> Gate:
        return Gate(self._key, audience=audience, now=self._now, unsigned=self._unsigned)

    def derive_key(self, purpose: str) -> bytes:
        """A key for something else that only the services of this system can know, and that is no passport's."""
        return hmac.digest(self._key, f"sigdep key for {purpose}".encode(), "sha256")


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
