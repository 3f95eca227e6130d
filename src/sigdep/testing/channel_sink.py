"""What the sinks of channels have in common: what has arrived, and how they can be told to fail."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Trouble = Literal["none", "busy", "refusing", "gone", "silent", "cut"]
"""Takes nothing for now; this message never; nothing for this target ever; says nothing; hangs up in the middle."""


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One message, as the other side sees it once it has checked, opened and read it."""

    key: str
    title: str
    body: str
    at: float
    """Of the event loop's clock."""
    raw: Any = None
    """All of it, in the sink's own form."""


@dataclass
class Records:
    """What a sink has seen."""

    trouble: Trouble = "none"
    wait_seconds: int | None = None
    """What it asks for when it is busy, where its protocol can."""
    arrived: list[Arrived] = field(default_factory=list)
    asked: int = 0
    """How often it was tried, with or without success."""
    faults: list[str] = field(default_factory=list)
    """Whatever was wrong with what was sent, in sentences. A test demands that there is nothing."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        self.asked += 1
        self.was_asked.set()

    def take(self, key: str, title: str, body: str, raw: Any = None) -> None:
        at = asyncio.get_running_loop().time()
        self.arrived.append(Arrived(key=key, title=title, body=body, at=at, raw=raw))

    @property
    def keys(self) -> list[str]:
        """In the order of their arrival, each as often as it has arrived."""
        return [one.key for one in self.arrived]


class Sink(Protocol):
    """The other side of a channel, on a free port of the loopback."""

    records: Records

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Nobody listens any more. Safe to repeat."""
        ...
