"""What this process shares with others of its kind, as far as the operator has given them something to share it by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sigdep.gateway.gcra import LocalLimiters
from sigdep.gateway.live.presence import LocalPresence
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.http.limiting import Limiters
from sigdep.http.presence import Presence
from sigdep.http.revocations import LocalRevocations, Revocations
from sigdep.http.tickets import Tickets
from sigdep.services.jobs import Job


class Way(Protocol):
    """One purpose's way to what is shared."""

    @property
    def purpose(self) -> str: ...

    @property
    def is_away(self) -> bool: ...

    @property
    def losses(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Without any arguments: nothing is shared, each process goes on alone."""

    limiters: Limiters = field(default_factory=LocalLimiters)
    tickets: Tickets = field(default_factory=MemoryTickets)
    presence: Presence = field(default_factory=LocalPresence)
    revocations: Revocations = field(default_factory=LocalRevocations)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    ways: Sequence[Way] = ()
