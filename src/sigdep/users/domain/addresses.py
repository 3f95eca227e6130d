"""Email addresses and new passwords: what is accepted, and which spellings are one address."""

import unicodedata
from re import compile as pattern
from typing import Final

from sigdep.kernel.errors import Invalid

EMAIL_LENGTH_MAX: Final = 254
"""RFC 5321 §4.5.3.1.3, less its angle brackets."""

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 1_024

_ATOM: Final = r"[^\s\x00-\x20\"(),.:;<>@\[\\\]\x7f-\xa0]"
_EDGE: Final = r"[^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa0]"
_INNER: Final = r"[^\s\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\xa0]"
_LABEL: Final = rf"{_EDGE}({_INNER}{{0,61}}{_EDGE})?"

EMAIL_PATTERN: Final = rf"^(?=[^@]{{1,64}}@){_ATOM}+(\.{_ATOM}+)*@{_LABEL}(\.{_LABEL})*$"
"""Without quoted local parts and addresses of numbers; with letters of every script (RFC 6531)."""

_EMAIL: Final = pattern(EMAIL_PATTERN.removesuffix("$"))


def normalised(email: str) -> str:
    """The one spelling by which an address is known: case does not matter, nor how an accent is encoded.

    Mail servers may tell `Ada@` from `ada@` (RFC 5321 §2.4); nobody who gives out addresses does.

    Raises:
        Invalid: it is no address.
    """
    text = unicodedata.normalize("NFKC", email).casefold()
    for spelling in (email, text):
        if len(spelling) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(spelling):
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
    if password.casefold() == email.casefold():
        raise Invalid.at("/password", "The email address is no password: everybody would try it first.")
