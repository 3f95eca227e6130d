"""What an operator may set at the gateway."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from sigdep.http.limiting import Rate

DEADLINE_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much each may ask for. None of it has a default here: what an operator does not set, `Settings` says."""

    user: Rate
    """Of each user, whatever their tokens."""
    address: Rate
    """Of each address, for requests of nobody."""
    sign_in: Rate
    """Of each address, for writes that are open to everybody: signing in, registering."""
    for_many: Rate
    """Of each address, instead of those two, for writes that a few servers send on behalf of very many people."""
    bad_token: Rate
    """Of each address, for tokens that are none: past it no token is looked at."""


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    fingerprint_key: bytes = field(repr=False)
    """Secret, at least 16 bytes, the same in every gateway and after a restart: keys the digests by which a repeated
    `Idempotency-Key` is recognised as the same request."""
    limits: Limits | None
    """None: no limits, for load tests."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose `X-Forwarded-For` is believed."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages of these origins may call the API (CORS). Empty: only our own."""
    https: bool = False
    """Clients reach us by HTTPS: tell browsers never to try without."""
    deadline_seconds: float = DEADLINE_SECONDS
    log_requests: bool = True
    trace_ratio: float = 0.0
    """Of the requests that come without a decision; 1: all of them are recorded."""

    def __post_init__(self) -> None:
        if len(self.fingerprint_key) < 16:
            raise ValueError("GatewaySettings.fingerprint_key needs at least 16 bytes, from a file that stays.")
