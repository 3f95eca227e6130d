"""The port of clocks: the one by which something is due, the same for all who look at it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where several processes share the work, theirs may differ: then it is the clock of the database they share."""

    async def now(self) -> datetime:
        """UTC. May go back, and may leap ahead.

        Raises:
            Unavailable: whoever keeps it is away.
        """
        ...
