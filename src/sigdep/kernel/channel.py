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

    A message may arrive more than once: whoever sends again uses the same key.
    """

    async def send(self, target: bytes, message: Message) -> Outcome:
        """Hand over one message. Bounded in time; never raises for what the other side does.

        Args:
            target: where to, as JSON in the channel's own shape.
        """
        ...

    async def close(self) -> None: ...
