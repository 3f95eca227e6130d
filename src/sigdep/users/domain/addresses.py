"""Email addresses and new passwords: what is accepted, and which spellings are one address."""

import unicodedata
from re import compile as pattern
from typing import Final

from sigdep.kernel.errors import Invalid

EMAIL_LENGTH_MAX: Final = 254
"""RFC 5321 §4.5.3.1.3, less its angle brackets."""

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 1_024

_LOCAL: Final = pattern(r"[^\s@\"(),:;<>\[\]\\\x00-\x20\x7f-\xa0]{1,64}")
_LABEL: Final = pattern(r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?")


def normalised(email: str) -> str:
    """The one spelling by which an address is known: case does not matter, nor how an accent is encoded.

    Mail servers may tell `Ada@` from `ada@` (RFC 5321 §2.4); nobody who gives out addresses does.

    Raises:
        Invalid: it is no address. Quoted local parts and addresses of numbers are not accepted.
    """
    text = unicodedata.normalize("NFKC", email.strip()).casefold()
    local, at, domain = text.rpartition("@")
    dots_are_well = not local.startswith(".") and not local.endswith(".") and ".." not in local
    labels = domain.split(".")
    if (
        not at
        or len(text.encode()) > EMAIL_LENGTH_MAX
        or not dots_are_well
        or not _LOCAL.fullmatch(local)
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise Invalid.at("/email", "This is not an email address.")
    return text


def check_new_password(password: str, email: str) -> None:
    """
    Args:
        email: of the account, which must not be its password.

    Raises:
        Invalid: the password is too short, too long or the address itself.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise Invalid.at(
            "/password", f"A password has between {PASSWORD_LENGTH_MIN} and {PASSWORD_LENGTH_MAX:,} characters."
        )
    if password.strip().casefold() == email.strip().casefold():
        raise Invalid.at("/password", "The email address is no password: everybody would try it first.")
