"""Where NATS is, and who comes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

SCHEMES: Final = ("nats", "tls")

DEFAULT_PORT: Final = 4222


@dataclass(frozen=True, kw_only=True)
class Address:
    """One server."""

    scheme: str = "nats"
    host: str
    """As it stands in an address: that of IPv6 in brackets."""
    port: int = DEFAULT_PORT
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """
        Raises:
            ValueError: it is not like `nats://user:password@host:4222`. The text does not repeat it.
        """
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError:
            host, port = None, 0  # Its text would show what may be a part of the password.
        if parts.scheme not in SCHEMES or not host or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                "An address of NATS is like nats://host:4222, nats://user:password@host or nats://token@host. "
                "What has a meaning in addresses (:/?#@,) is written %3A, … in a name, a password or a token."
            )
        first, second = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        user, password, token = (None, None, first) if second is None else (first, second, None)
        host = f"[{host}]" if ":" in host else host
        return cls(scheme=parts.scheme, host=host, port=port, user=user, password=password, token=token)

    @property
    def url(self) -> str:
        """Without who comes."""
        return f"{self.scheme}://{self.host}:{self.port}"


def options_of(addresses: Sequence[Address]) -> dict[str, Any]:
    """Of nats-py's `connect`: who comes. It would send what stands in an address as it is written there, with each %.

    Raises:
        ValueError: different ones come to servers of the same cluster.
    """
    said = {(one.user, one.password, one.token) for one in addresses} - {(None, None, None)}
    if len(said) > 1:
        raise ValueError("Who comes is the same for all servers of a cluster, and may be said once.")
    return dict(zip(("user", "password", "token"), said.pop(), strict=True)) if said else {}
