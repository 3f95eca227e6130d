"""What a read service must know of the projector that feeds it."""

from typing import Protocol

from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import ModelId


class Progress(Protocol):
    """How far a read model has followed the log. A `Projector` is one."""

    @property
    def model_id(self) -> ModelId:
        """The build to read from. Take it anew for each request.

        Raises:
            Unavailable: it is being made for the first time.
        """
        ...

    @property
    def positions(self) -> Positions:
        """What a read that begins now reflects, at least. It may move on while one looks at it."""
        ...

    async def wait_for(self, partition: Partition, position: Position) -> None:
        """Return when reads reflect the position.

        Raises:
            Unavailable: they do not within the time that a client waits.
        """
        ...
