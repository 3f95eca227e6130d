"""When a delivery that failed is tried again: each channel's pauses, spread so that not all come back at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sigdep.notifications.events.people import Channel

_SECONDS: Final = timedelta(seconds=1)
_MINUTES: Final = timedelta(minutes=1)
_HOURS: Final = timedelta(hours=1)

PAUSES: Final[Mapping[Channel, tuple[timedelta, ...]]] = {
    # A mail server that is busy says so for minutes, or for hours (RFC 5321 §4.5.4.1 gives up after four to five days:
    # nobody wants to be reminded then).
    "email": (10 * _SECONDS, 1 * _MINUTES, 5 * _MINUTES, 30 * _MINUTES, 2 * _HOURS, 6 * _HOURS, 12 * _HOURS),
    # Firebase asks for ten seconds at the least.
    "fcm": (10 * _SECONDS, 30 * _SECONDS, 2 * _MINUTES, 10 * _MINUTES, 1 * _HOURS, 4 * _HOURS),
    "web_push": (5 * _SECONDS, 30 * _SECONDS, 2 * _MINUTES, 10 * _MINUTES, 1 * _HOURS, 4 * _HOURS),
}
"""After each attempt that failed. After the last one nothing more is tried."""

SPREAD: Final = 0.2
"""A pause is longer by up to this part of it, by chance."""

ASKED_PAUSE_MAX: Final = 24 * _HOURS
"""Whoever asks us to wait longer is asked again all the same."""


def pause(channel: Channel, failures: int, chance: float, asked_seconds: float | None = None) -> timedelta | None:
    """How long to wait after so many attempts. None: give up.

    Args:
        failures: from 1.
        chance: from 0 to 1.
        asked_seconds: what the other side asked for. It is waited for at the least.
    """
    pauses = PAUSES[channel]
    if failures > len(pauses):
        return None
    asked = min(timedelta(seconds=max(asked_seconds or 0.0, 0.0)), ASKED_PAUSE_MAX)
    return max(pauses[failures - 1], asked) * (1 + SPREAD * chance)
