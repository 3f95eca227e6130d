"""The model keeps the port's contract."""

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store import EventStoreContract, Opener


class TestMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def opener(self) -> Opener:
        log = MemoryLog()

        async def open_store(codec: Codec, *, read_only: bool = False) -> MemoryEventStore:
            return MemoryEventStore(codec, log)

        return open_store
