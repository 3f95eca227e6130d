"""NATS servers that let in whoever has a password, a token, or credentials that their operator's account has signed."""

import binascii
import json
import socket
import time
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sigdep.testing.nats_server import NatsServer
from sigdep.testing.ports import HOST

USER: Final = "planner@home"

PASSWORD: Final = "p@ss/w:rd?#50%"

NO_LIMIT: Final = -1


class ClosedNats(NatsServer):
    """It greets everybody, and answers to nobody else."""

    who = ""

    def answers(self) -> bool:
        return greets(self.port)

    @property
    def url(self) -> str:
        return f"nats://{self.who}@{HOST}:{self.port}"


class PasswordNats(ClosedNats):
    who = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"

    def command(self) -> Sequence[str]:
        return (*super().command(), "--user", USER, "--pass", PASSWORD)


class TokenNats(ClosedNats):
    who = quote(PASSWORD, safe="")

    def command(self) -> Sequence[str]:
        return (*super().command(), "--auth", PASSWORD)


class Party:
    """An operator, an account or a user: an nkey, and what it signs."""

    def __init__(self, letter: str) -> None:
        self._letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter)
        self._key = Ed25519PrivateKey.generate()

    @property
    def name(self) -> str:
        return _nkey(bytes([self._letter << 3]) + self._key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        kind = self._letter << 3
        return _nkey(bytes([18 << 3 | kind >> 5, kind << 3 & 0xFF]) + self._key.private_bytes_raw())

    def signed(self, about: "Party", kind: str, **claims: Any) -> str:
        claimed = {"type": kind, "version": 2, **claims}
        whole = {"jti": about.name, "iat": int(time.time()), "iss": self.name, "sub": about.name, "nats": claimed}
        said = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(whole)}"
        return f"{said}.{_base64(self._key.sign(said.encode()))}"


CONFIGURATION: Final = """
operator: {operator}
system_account: {system}
resolver: MEMORY
resolver_preload: {{ {system}: {system_jwt}, {account}: {account_jwt} }}
"""


class CredentialsNats(ClosedNats):
    """It knows its operator, who has signed an account, which signs users."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._operator, self._system, self.account = Party("O"), Party("A"), Party("A")

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return (*super().command(), "-c", str(self.folder / "nats.conf"))

    def prepare(self) -> None:
        super().prepare()
        account_limits = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
        storage = ("mem_storage", "disk_storage", "streams", "consumer")
        limits = dict.fromkeys((*account_limits, *storage), NO_LIMIT) | {"wildcards": True}
        text = CONFIGURATION.format(
            operator=self._operator.signed(self._operator, "operator"),
            system=self._system.name,
            system_jwt=self._operator.signed(self._system, "account"),
            account=self.account.name,
            account_jwt=self._operator.signed(self.account, "account", limits=limits),
        )
        (self.folder / "nats.conf").write_text(text)


def greets(port: int) -> bool:
    """Whether a server is there, whomever it serves."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1) as client:
        return client.recv(4).startswith(b"INFO")
    return False


def credentials_by(account: Party) -> str:
    """Of a new user, as `nsc generate creds` writes them."""
    user = Party("U")
    jwt = account.signed(user, "user", **dict.fromkeys(("subs", "data", "payload"), NO_LIMIT))
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\nNKEY Seed printed below.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )


def _nkey(raw: bytes) -> str:
    return b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def _part(claims: Mapping[str, Any]) -> str:
    return _base64(json.dumps(claims).encode())


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
