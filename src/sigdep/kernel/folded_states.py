"""The states of aggregates as a read model's rows hold them, and the last ones at hand."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from sigdep.kernel.ids import StreamId
from sigdep.kernel.messages import State
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Table
from sigdep.kernel.store import RecordedEvent

S = TypeVar("S", bound=State)
E = TypeVar("E")

REMEMBERED_MAX: Final = 4_000
"""About 2 kB each."""

Streams = Mapping[StreamId, Sequence[tuple[RecordedEvent, E]]]
"""The events of a batch, by stream. (By its name: an id takes ten times as long to hash.)"""


class FoldedStates(Generic[S, E]):
    """Of a table whose key is an id, and whose `document` is the state as JSON."""

    def __init__(self, table: Table, kind: type[S], id_in: Callable[[E], UUID]) -> None:
        """
        Args:
            id_in: whose event it is.
        """
        self._table: Final = table
        self._id_in: Final = id_in
        self._decode: Final = msgspec.json.Decoder(kind).decode
        self._remembered: OrderedDict[StreamId, tuple[int, S]] = OrderedDict()

    async def before(self, streams: Streams[E], rows: Rows) -> dict[StreamId, S]:
        """As they were before the first of their events in this batch. What was not there is left out."""
        found: dict[StreamId, S] = {}
        unknown: dict[StreamId, tuple[UUID]] = {}
        for stream, events in streams.items():
            first, event = events[0]
            if first.version == 1:
                continue
            remembered = self._remembered.get(stream)
            # What follows the remembered version is what the rows do not have yet: the same bytes, read sooner. After
            # a batch that failed the versions differ, and the row is read.
            if remembered is not None and remembered[0] == first.version - 1:
                found[stream] = remembered[1]
            else:
                unknown[stream] = (self._id_in(event),)
        await rows.fetch(self._table, list(unknown.values()))
        for stream, key in unknown.items():
            row = rows.get(self._table, key)
            if row is not None:
                document = row["document"]
                assert isinstance(document, bytes)
                found[stream] = self._decode(document)
        return found

    def remember(self, stream: StreamId, version: int, state: S) -> None:
        self._remembered[stream] = (version, state)
        self._remembered.move_to_end(stream)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    def forget(self) -> None:
        """Whatever is remembered may be of a workspace that has been erased."""
        self._remembered.clear()
