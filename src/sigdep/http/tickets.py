"""The port of one-time tickets: a page in a browser cannot send `Authorization` with a WebSocket, and shows one."""

import secrets
from typing import Final, NamedTuple, Protocol

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import TooMany, Unavailable

TICKET_SECONDS: Final = 30
TICKETS_MAX: Final = 10_000
USER_TICKETS_MAX: Final = 50

TICKET_BYTES: Final = 32
TICKET_LENGTH_MAX: Final = 64


class TicketBounds(NamedTuple):
    seconds: float = TICKET_SECONDS
    of_a_user: int = USER_TICKETS_MAX
    """Not used yet."""
    of_all: int = TICKETS_MAX


BOUNDS: Final = TicketBounds()


class Tickets(Protocol):
    """A ticket stands for the credential that it was made with, once and for TICKET_SECONDS."""

    async def make(self, user: UserId, bearer: str) -> str:
        """
        Raises:
            TooMany: the user has USER_TICKETS_MAX that are not used.
            Unavailable: there are TICKETS_MAX of all users.
            SharedAway: of tickets that gateways share.
        """
        ...

    async def redeem(self, ticket: str) -> str | None:
        """The credential. None: there is no such ticket, or not any more.

        Args:
            ticket: any text at all: it comes from outside.

        Raises:
            SharedAway: of tickets that gateways share. The ticket may be used up.
        """
        ...


def new_ticket() -> str:
    return secrets.token_urlsafe(TICKET_BYTES)


def may_be_ticket(text: str) -> bool:
    """Whether it is worth a look."""
    return 0 < len(text) <= TICKET_LENGTH_MAX and text.isascii()


def too_many_of_a_user(bounds: TicketBounds) -> TooMany:
    return TooMany(f"You have {bounds.of_a_user} tickets that are not used.", bounds.seconds)


def too_many_of_all(bounds: TicketBounds) -> Unavailable:
    return Unavailable("Too many tickets are not used. Please try again.", bounds.seconds)
