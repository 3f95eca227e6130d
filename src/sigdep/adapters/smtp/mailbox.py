"""An e-mail address, checked so far that it can stand in a command and in a header."""

import re
from email.utils import parseaddr
from typing import Final

from msgspec import Struct

ADDRESS_BYTES_MAX: Final = 254
LOCAL_BYTES_MAX: Final = 64
"""RFC 5321 §4.5.3.1."""

_LOCAL: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f-\x9f.]+(\.[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f-\x9f.]+)*")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII | re.IGNORECASE)


class Mailbox(Struct, frozen=True, kw_only=True):
    """Where e-mail goes to, or comes from."""

    local_part: str
    ascii_domain: str
    name: str = ""
    """Shown beside it."""

    @classmethod
    def parse(cls, address: str, name: str = "") -> "Mailbox":
        """
        Raises:
            ValueError: it is no address that a mail server takes.
        """
        local, _, domain = address.rpartition("@")
        try:
            encoded = domain.encode("idna").decode() if domain else ""
        except UnicodeError:
            encoded = ""
        fits = len(local.encode(errors="replace")) <= LOCAL_BYTES_MAX and len(address) <= ADDRESS_BYTES_MAX
        if not fits or not _LOCAL.fullmatch(local) or not all(_LABEL.fullmatch(label) for label in encoded.split(".")):
            raise ValueError("This is no e-mail address, as in ada@example.com.")
        return cls(local_part=local, ascii_domain=encoded, name=name)

    @classmethod
    def parse_named(cls, text: str) -> "Mailbox":
        """
        Args:
            text: `ada@example.com`, or `SigDep <ada@example.com>`.

        Raises:
            ValueError: it is neither.
        """
        name, address = parseaddr(text)
        return cls.parse(address, name)

    @property
    def address(self) -> str:
        return f"{self.local_part}@{self.ascii_domain}"

    @property
    def is_ascii(self) -> bool:
        """Else only a mail server with SMTPUTF8 takes it."""
        return self.local_part.isascii()
