"""The port by which contexts hear of each other: what one of them tells, in the order of its log."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.ids import Positions

EVERY_TYPE: Collection[str] = ()


class PublicBatch(Struct, frozen=True, kw_only=True):
    """What a look at the log has brought."""

    events: Sequence[CloudEvent]
    """May be empty: most of what happens is nobody else's business."""
    reached: Positions
    """How far this has come, in the partitions in which it has come further: save it once the events are worked off.

    Empty where more of the same partitions follows in the next batch.
    """


class PublicLog(Protocol):
    """The public events of one context, told by their owner: nobody else knows what its log holds, or opens it.

    Order: within a partition, that of the log. Across partitions there is none.

    Repeats: whoever goes on from what was last `reached` hears nothing twice. Whoever has lost that place, or stopped
    in between, hears some again, each with the same `source` and `id`.

    An event whose subject has been erased is not told any more.
    """

    def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        """What comes after the positions, for ever: waits where there is nothing new, and tells at once what is.

        Ends when the log is closed. Who stops before the end must close it (`contextlib.aclosing`).

        Args:
            types: of events, as their envelopes name them. Others are passed over, and count for `reached`. None: all.

        Raises:
            Unavailable: the log is away. Follow again after what was last reached.
            LogDamaged: it is not what was written.
        """
        ...
