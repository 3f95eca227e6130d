"""Why a connection is closed. Clients act on the number: docs/reference/live.md lists them."""

from enum import IntEnum


class Close(IntEnum):
    """Close codes (RFC 6455 §7.4). From 4000 they are ours, after the HTTP status that says the same."""

    RESTARTING = 1012
    """The server ends. Come back, with the last position."""
    BUG = 1011
    UNAVAILABLE = 1013
    """We cannot tell at present whether you may hear this."""
    MALFORMED = 4400
    """Too many messages were refused."""
    UNAUTHENTICATED = 4401
    """The credential has expired or has been revoked."""
    SILENT = 4408
    """A ping was not answered."""
    TOO_SLOW = 4429
    """More was waiting than we keep. Come back, with the last position."""


REASONS = {
    Close.BUG: "Something went wrong on our side.",
    Close.UNAVAILABLE: "Not possible at the moment. Come back with your last position.",
    Close.MALFORMED: "Too many messages were refused.",
    Close.UNAUTHENTICATED: "Your credential has expired or has been revoked.",
    Close.SILENT: "A ping was not answered.",
    Close.TOO_SLOW: "You read too slowly. Come back with your last position.",
}
"""In at most 123 bytes each (RFC 6455 §5.5)."""
