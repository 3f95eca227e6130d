"""An address is the peer's, unless a proxy that we trust says otherwise."""

from ipaddress import ip_network

import pytest

from sigdep.gateway.addresses import Addresses, neighbourhood

PEER = ("10.0.0.5", 4711)


@pytest.mark.parametrize(
    "trusted, forwarded_for, expected",
    [
        ((), b"203.0.113.9", "10.0.0.5"),
        (("10.0.0.0/8",), None, "10.0.0.5"),
        (("192.168.0.0/16",), b"203.0.113.9", "10.0.0.5"),
        (("10.0.0.0/8",), b"203.0.113.9", "203.0.113.9"),
        (("10.0.0.0/8",), b"198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (("10.0.0.0/8",), b"198.51.100.1, 203.0.113.9, 10.2.0.1", "203.0.113.9"),
        (("10.0.0.0/8",), b"2001:db8::1", "2001:db8::1"),
        (("10.0.0.0/8",), b"nonsense", "10.0.0.5"),
        (("10.0.0.0/8",), b"203.0.113.9, <script>", "10.0.0.5"),
        (("10.0.0.0/8",), b"", "10.0.0.5"),
        (("10.0.0.0/8",), b"10.1.1.1, 10.1.1.2", "10.1.1.1"),
    ],
)
def test_only_what_a_trusted_proxy_has_seen_counts(
    trusted: tuple[str, ...], forwarded_for: bytes | None, expected: str
) -> None:
    assert Addresses([ip_network(network) for network in trusted]).of(PEER, forwarded_for) == expected


def test_without_a_peer_there_is_an_address_nevertheless() -> None:
    assert Addresses(()).of(None, None) == "unknown"


@pytest.mark.parametrize(
    "address, expected",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
    ],
)
def test_one_customer_is_limited_as_one(address: str, expected: str) -> None:
    assert neighbourhood(address) == expected
