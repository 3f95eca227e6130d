"""Which addresses that users give may be connected to: those that lead out of here, and what the operator allows."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

URL_CHARACTERS_MAX: Final = 2_048
PORTS_OF_SYSTEMS: Final = 1_024
"""Below are those of mail, names and the like, of which two are the web's."""
PORTS_OF_THE_WEB: Final = frozenset((80, 443))

LEADS_INSIDE: Final = (
    "This address leads to a place that nothing is sent to. Who runs this server may allow it: SIGDEP_OUTGOING_ALLOW."
)
NOT_ENCRYPTED: Final = "Nothing is sent there without TLS: an address begins with https://."

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_INSIDE: Final[tuple[Network, ...]] = tuple(
    map(
        ip_network,
        (
            # IANA IPv4 Special-Purpose Address Registry, and multicast. A list of our own: what `is_private` and
            # `is_global` mean has changed between releases of Python.
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NOT_GLOBAL: Final = tuple(
    # IANA IPv6 Special-Purpose Address Registry, as far as it is inside of 2000::/3. Teredo and 6to4, which carry an
    # address of IPv4 in them, are among these.
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: how a machine without IPv4 sees all addresses of IPv4."""

_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII | re.IGNORECASE)
_LOOPBACK: Final = IPv4Address("127.0.0.1")


class AddressRefused(Exception):
    """Nothing is sent to this address. The text is a sentence that says why."""


class AddressRules:
    """What may be connected to. Everything else is refused, whatever name it has."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        """
        Args:
            allowed: ranges inside of here that the operator allows, also without TLS.
        """
        self._allowed = tuple(allowed)

    @classmethod
    def parse(cls, ranges: str) -> "AddressRules":
        """
        Args:
            ranges: with commas between, as in `10.1.0.0/16,fd00:1::/32`.

        Raises:
            ValueError: one of them is no range of addresses.
        """
        return cls([_range(part.strip()) for part in ranges.split(",") if part.strip()])

    @classmethod
    def anywhere(cls) -> "AddressRules":
        """For addresses that nobody but the operator gives."""
        return cls.parse("0.0.0.0/0,::/0")

    def permits(self, address: str, *, encrypted: bool) -> bool:
        """Whether this very address, a number and no name, may be connected to."""
        try:
            numeric = _unwrapped(ip_address(address))
        except ValueError:
            return False
        if any(numeric in network for network in self._allowed):
            return True
        return encrypted and _leads_out(numeric)

    def check(self, url: str) -> SplitResult:
        """The parts of a URL that nothing is wrong with, as far as can be seen without asking for its name.

        Raises:
            AddressRefused: it would be refused whatever its name resolves to.
        """
        if len(url) > URL_CHARACTERS_MAX or not re.fullmatch(r"[!-\[\]-~]+", url):  # ASCII without \ and spaces.
            raise AddressRefused(
                f"An address is a URL of at most {URL_CHARACTERS_MAX} characters of ASCII."
                " Other letters are written as xn--… in a host, and as in %C3%A4 elsewhere."
            )
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            if "[" in parts.netloc:
                IPv6Address(host)
        except ValueError:
            raise AddressRefused("This is no URL, as https://hooks.example.com/sigdep is one.") from None
        if parts.scheme not in ("http", "https"):
            raise AddressRefused("An address begins with https://.")
        if "@" in parts.netloc:
            raise AddressRefused("An address holds neither a name nor a password before its host.")
        if port is not None and port < PORTS_OF_SYSTEMS and port not in PORTS_OF_THE_WEB:
            raise AddressRefused(f"Port {port} is not one of the web's: 80, 443, or from {PORTS_OF_SYSTEMS} on.")
        self._check_host(host, encrypted=parts.scheme == "https")
        return parts

    def _check_host(self, host: str, *, encrypted: bool) -> None:
        numeric = _numeric(host)
        if numeric is not None and not self.permits(str(numeric), encrypted=encrypted):
            # Whoever is told to encrypt shall not be told afterwards that it was for nothing.
            raise AddressRefused(NOT_ENCRYPTED if _leads_out(_unwrapped(numeric)) else LEADS_INSIDE)
        if not encrypted and not self._allowed:
            raise AddressRefused(NOT_ENCRYPTED)


def _range(text: str) -> Network:
    """
    Raises:
        ValueError: with a text that goes on from the name of a setting.
    """
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no range of addresses, as 10.1.0.0/16 or fd00:1::/32") from None


def _numeric(host: str) -> Address | None:
    """The address that a host is written as. None: it is a name, which may lead anywhere.

    Raises:
        AddressRefused: it is neither, or an address in a form that programs read differently.
    """
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 §6.3
        return _LOOPBACK
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise AddressRefused("Its host is neither a name, as in hooks.example.com, nor an address, as in 192.0.2.1.")
    return None


def _unwrapped(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _leads_out(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INSIDE)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_GLOBAL)
