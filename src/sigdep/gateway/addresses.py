"""Whose address a request comes from: the peer's, or what a proxy that we trust says of it."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

Network = IPv4Network | IPv6Network

UNKNOWN: Final = "unknown"
HOPS_MAX: Final = 10


class Addresses:
    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self.is_trusted = lru_cache(1_024)(self._look_up)
        """Whether a peer is a proxy that is believed."""

    def of(self, client: Any, forwarded_for: bytes | None) -> str:
        """The address of the client.

        From `X-Forwarded-For` the last address that is no proxy of ours counts: what stands before it is hearsay.
        """
        peer: str = client[0] if client else UNKNOWN
        if not self._trusted or forwarded_for is None or not self.is_trusted(peer):
            return peer
        for hop in reversed(forwarded_for.decode("latin-1").split(",")[-HOPS_MAX:]):
            address = _parse(hop.strip())
            if address is None:
                return peer
            peer = str(address)
            if not self.is_trusted(peer):
                return peer
        return peer

    def _look_up(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


def neighbourhood(address: str) -> str:
    """What is limited as one: an IPv4 address, or the /64 that one IPv6 customer is given at the least."""
    if ":" not in address:
        return address
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
