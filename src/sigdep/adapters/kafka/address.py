"""Where Kafka is, and who comes."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from sigdep.adapters.kafka.connecting import DEFAULT_PORT, Endpoint

SCHEME: Final = "kafka"
TLS_SCHEME: Final = "kafka+tls"

MECHANISMS: Final = {"scram-sha-512": "SCRAM-SHA-512", "scram-sha-256": "SCRAM-SHA-256", "plain": "PLAIN"}
"""What may be written, and as Kafka calls it. The first one is meant where none is written."""

PORT_MAX: Final = 65_535

_ADDRESS: Final = re.compile(
    r"(?P<scheme>kafka|kafka\+tls)://(?:(?P<user>[^:/?#@,\s]+):(?P<password>[^:/?#@,\s]+)@)?"
    r"(?P<servers>[^/?#@]+)(?:\?sasl=(?P<mechanism>[\w-]+))?",
    re.ASCII,
)

_SERVER: Final = re.compile(r"([\w.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Of one cluster: some of its servers, which name the others, and how to come in."""

    servers: Sequence[Endpoint]
    is_tls: bool = False
    user: str = ""
    """Empty: nobody says who comes, or a certificate does."""
    password: str = field(default="", repr=False)
    mechanism: str = "SCRAM-SHA-512"
    """Of SASL, if there is a user."""

    @classmethod
    def parse(cls, url: str) -> "Address":
        """
        Raises:
            ValueError: it is not like `kafka://user:password@host:9092,host:9092`, or tells everybody the
                password. The text does not repeat it.
        """
        found = _ADDRESS.fullmatch(url)
        servers = [_SERVER.fullmatch(server.strip()) for server in found["servers"].split(",")] if found else []
        addresses = [(server[1].strip("[]"), int(server[2] or DEFAULT_PORT)) for server in servers if server]
        if found is None or None in servers or any(port > PORT_MAX for _, port in addresses):
            raise ValueError(
                f"Kafka is given as {SCHEME}://host:port,host:port or {SCHEME}://user:password@host,host. "
                "What has a meaning in addresses (:/?#@,) is written %3A, … in a name or a password."
            )
        is_tls, user = found["scheme"] == TLS_SCHEME, unquote(found["user"] or "")
        mechanism = _mechanism(found["mechanism"], has_user=bool(user), is_tls=is_tls)
        password = unquote(found["password"] or "")
        return cls(servers=addresses, is_tls=is_tls, user=user, password=password, mechanism=mechanism)

    def options(self, tls: ssl.SSLContext | None) -> dict[str, Any]:
        """Of aiokafka's connections. `tls`: whom we trust, and what we show."""
        options: dict[str, Any] = {"security_protocol": "SSL" if self.is_tls else "PLAINTEXT"}
        if self.is_tls:
            options["ssl_context"] = tls or ssl.create_default_context()
        if self.user:
            options |= {
                "security_protocol": f"SASL_{options['security_protocol']}",
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return options


def _mechanism(written: str | None, *, has_user: bool, is_tls: bool) -> str:
    """
    Raises:
        ValueError: there is no such mechanism, or nobody for it, or it is for encrypted connections alone.
    """
    if written is None:
        return next(iter(MECHANISMS.values()))
    if written not in MECHANISMS:
        raise ValueError(f"?sasl= is one of {', '.join(MECHANISMS)}.")
    if not has_user:
        raise ValueError("?sasl= is for an address with a user and a password.")
    if written == "plain" and not is_tls:
        raise ValueError(
            f"?sasl=plain shows the password to everybody on the way: use {TLS_SCHEME}://, or scram-sha-512."
        )
    return MECHANISMS[written]
