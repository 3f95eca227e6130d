"""The port of channels: how a message leaves for a person or a program outside."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True, kw_only=True):
    """One thing to be told, whatever the way."""

    key: str
    """The same whenever this is sent again, and of no other message: receivers that know it show it once."""
    kind: str
    """What it is about, as in `reminder` or `task.assigned`."""
    title: str
    body: str = ""
    link: str | None = None
    """Where the thing is to be seen: an absolute URL."""
    occurred_at: datetime
    """UTC: when what it tells of happened, or was due."""
    document: bytes = b""
    """The whole of it as JSON, for programs."""
    urgent: bool = False
    """It shall wake a device that sleeps to save its battery."""
    keep_seconds: int = 86_400
    """For how long others may hold it for somebody who is away. After that it is of no use any more."""
    unsubscribe_link: str | None = None
    """Where somebody can say that they want no more of this: an absolute URL that shows a page, and that does it when
    it is sent a POST without a sign-in (RFC 8058)."""


class Sent(Struct, frozen=True, kw_only=True):
    """The other side has taken it."""

    reference: str = ""
    """By which the other side knows it."""


class Postponed(Struct, frozen=True, kw_only=True):
    """Not now: sending the same later may succeed. It may also have arrived all the same."""

    reason: str
    after_seconds: float | None = None
    """As long as the other side has asked us to wait. None: it has not said."""


class Undeliverable(Struct, frozen=True, kw_only=True):
    """Not like this: sending the same again would fail again."""

    reason: str
    target_is_gone: bool = False
    """Nothing will ever reach this target: forget it."""


Outcome = Sent | Postponed | Undeliverable


class Channel(Protocol):
    """One way out, to targets of one kind: an address, a device, a URL.

    A message may arrive more than once: whoever sends again uses the same key. Texts that are longer than the way
    allows are shortened.
    """

    def objection(self, target: bytes) -> str | None:
        """Why nothing will ever reach such a target, as a sentence that says what would do. Asks nobody.

        None: there is nothing wrong with it as far as can be seen from here.
        """
        ...

    async def send(self, target: bytes, message: Message) -> Outcome:
        """Hand over one message. Bounded in time; never raises for what the other side does.

        Args:
            target: where to, as JSON in the channel's own shape.
        """
        ...

    async def close(self) -> None:
        """Safe to repeat. What is being sent is given up: it may have arrived."""
        ...
