"""The secret in each e-mail by which its reader can say that they want no more of its kind, without signing in."""

import hmac
from base64 import urlsafe_b64encode
from typing import Final, NamedTuple
from uuid import UUID

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import NotFound
from sigdep.notifications.domain.preferences import KINDS
from sigdep.notifications.events.inbox import Kind

PATH: Final = "/api/unsubscribe"
TOKEN_LENGTH_MAX: Final = 200

_PURPOSE: Final = b"sigdep: whoever has this wants no more e-mails"


class NoSuchLink(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "This is no link of an e-mail from here. Copy all of it, or sign in and say there what you want."
        )


class Unwanted(NamedTuple):
    user_id: UserId
    kind: Kind


class UnsubscribeTokens:
    """One for each person and kind, always the same one: nothing is stored, and a link in an old e-mail works."""

    def __init__(self, key: bytes) -> None:
        """
        Args:
            key: of which the key of this purpose is made. Another one makes all links stale.
        """
        self._key = hmac.digest(key, _PURPOSE, "sha256")

    def make(self, user: UserId, kind: Kind) -> str:
        named = f"{user.hex}.{kind}"
        return f"{named}.{self._signature(named)}"

    def read(self, token: str) -> Unwanted:
        """
        Raises:
            NoSuchLink: it was not made here.
        """
        named, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(named).encode()):
            raise NoSuchLink
        user, _, said = named.partition(".")
        for kind in KINDS:
            if kind == said:
                return Unwanted(UserId(UUID(hex=user)), kind)
        raise NoSuchLink  # A kind that there is no more.

    def _signature(self, named: str) -> str:
        return urlsafe_b64encode(hmac.digest(self._key, named.encode(), "sha256")).rstrip(b"=").decode()
