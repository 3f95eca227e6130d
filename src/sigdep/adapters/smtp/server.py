"""Which mail server takes our e-mail, and how it is talked to."""

from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

Encryption = Literal["tls", "starttls", "none"]

_SCHEMES: Final[dict[str, tuple[Encryption, int]]] = {
    "smtps": ("tls", 465),
    "smtp": ("starttls", 587),
    "smtp+plain": ("none", 25),
}


class MailServer(Struct, frozen=True, kw_only=True):
    """As an operator names it by a URL."""

    host: str
    port: int
    encryption: Encryption
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """
        Args:
            url: `smtp://user:password@host:587` demands STARTTLS, `smtps://` is TLS from the start, and `smtp+plain://`
                encrypts nothing: for a server on the same machine.

        Raises:
            ValueError: it is none of these. The text does not quote it: it may hold a password.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError("A mail server is given as smtp://user:password@host:587, smtps://… or smtp+plain://….")
        encryption, default = _SCHEMES[parts.scheme]
        if parts.username and encryption == "none":
            raise ValueError("A password is not sent without encryption: use smtp:// or smtps://.")
        try:
            port = parts.port or default
        except ValueError:
            raise ValueError("The mail server's port is no number up to 65535.") from None
        return cls(
            host=parts.hostname,
            port=port,
            encryption=encryption,
            user=None if not parts.username else unquote(parts.username),
            password=None if not parts.username else unquote(parts.password or ""),
        )
