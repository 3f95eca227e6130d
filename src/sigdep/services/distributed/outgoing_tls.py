"""TLS on the way to a server that is not ours: whom we trust, and what we show."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.settings import BadSetting

Server = Literal["broker", "redis"]

BEGIN: Final = "-----BEGIN CERTIFICATE-----"

SCHEMES_WITH_TLS: Final[Mapping[Server, str]] = {
    "broker": "tls://, kafka+tls://, rabbitmq-stream+tls:// or rediss://",
    "redis": "rediss://",
}
"""How the addresses begin by which they are reached so."""


def outgoing_tls(settings: ServiceSettings, server: Server) -> ssl.SSLContext:
    """By the files that the settings of a server name; whom this system trusts, where they name none.

    Raises:
        BadSetting: a file cannot be read, or does not hold what it should, or a certificate has no key.
    """
    authority, certificate, key = (f"{server}_{name}" for name in ("authority", "certificate", "key"))
    if getattr(settings, authority):
        trusted = settings.file(authority).decode("ascii", errors="replace")
        if BEGIN not in trusted:  # Of nothing at all, Python makes trust in everybody whom the system trusts.
            raise BadSetting(f"SIGDEP_{authority.upper()} names a file without a certificate in PEM.")
        context = _trusting(trusted, authority)
    else:
        context = ssl.create_default_context()
    if getattr(settings, certificate) or getattr(settings, key):
        for name in (certificate, key):
            settings.file(name)  # Says which of them cannot be read.
        shown, its_key = (Path(settings.required(name)).expanduser() for name in (certificate, key))
        try:
            context.load_cert_chain(shown, its_key, password=_no_password)
        except (ssl.SSLError, ValueError):
            names = f"SIGDEP_{certificate.upper()} and SIGDEP_{key.upper()}"
            raise BadSetting(f"{names} must name a certificate and its key, in PEM, without a password.") from None
    return context


def refuse_files(settings: ServiceSettings, server: Server) -> None:
    """Where nothing is encrypted, nobody should believe that it is.

    Raises:
        BadSetting: files for TLS are named all the same.
    """
    for name in ("authority", "certificate", "key"):
        if getattr(settings, f"{server}_{name}"):
            raise BadSetting(
                f"SIGDEP_{server.upper()}_{name.upper()} is for an address that begins with {SCHEMES_WITH_TLS[server]}."
            )


def _trusting(authority: str, setting: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise BadSetting(f"SIGDEP_{setting.upper()} names a file with a certificate that cannot be read.") from None


def _no_password() -> str:
    """Nobody is asked for one at a terminal."""
    return ""
