"""The port of rate limits: so many requests a second in the long run, and so many at once after a pause."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many requests a second in the long run, and so many at once after a pause."""

    per_second: float
    burst: int


class Allowance(NamedTuple):
    """What a limiter says to a request."""

    limit: int
    remaining: int
    reset_seconds: float
    """Until the burst is whole again."""
    retry_seconds: float
    """0: go on. Else when to try again."""


class Limiter(Protocol):
    """One rate for many callers, by the generic cell rate algorithm (ITU-T I.371).

    A caller who was silent for long may send a burst at once, and then one request for each interval, never more.
    What is refused costs nothing. Callers do not use up what is another's.
    """

    async def take(self, caller: str) -> Allowance:
        """Count one request, unless it is refused.

        Raises:
            SharedAway: of a limiter that gateways share. It may have been counted.
        """
        ...

    def exhausted(self, caller: str) -> float:
        """Seconds until the caller may try again, as far as this process has heard. 0: now. Counts nothing."""
        ...


class Limiters(Protocol):
    """Makes limiters. What gateways share, they share by the limiter's name."""

    def limiter(self, name: str, rate: Rate) -> Limiter: ...
