"""Where RabbitMQ is, and who comes."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

SCHEME: Final = "rabbitmq-stream"
TLS_SCHEME: Final = "rabbitmq-stream+tls"

PORTS: Final = {SCHEME: 5552, TLS_SCHEME: 5551}


@dataclass(frozen=True, kw_only=True)
class Address:
    """One node, or what stands before several."""

    host: str
    port: int = PORTS[SCHEME]
    is_tls: bool = False
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    virtual_host: str = "/"

    @classmethod
    def parse(cls, url: str) -> "Address":
        """
        Raises:
            ValueError: it is not like `rabbitmq-stream://user:password@host:5552`. The text does not repeat it.
        """
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            host, port = None, 0  # The driver's text would show what may be a part of the password.
        if parts.scheme not in PORTS or not host or parts.query or parts.fragment:
            raise ValueError(
                f"An address of RabbitMQ is like {SCHEME}://user:password@host:{PORTS[SCHEME]}, or ends with "
                "/virtual-host. What has a meaning in addresses (:/?#@,) is written %3A, … in a name or a password."
            )
        return cls(
            host=host,
            port=port,
            is_tls=parts.scheme == TLS_SCHEME,
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            virtual_host=unquote(parts.path[1:]) or "/",
        )
