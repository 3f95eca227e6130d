"""The model keeps the port's contract."""

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store import EventStoreContract, Opener


class TestMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def opener(self) -> Opener:
        self.log = log = MemoryLog()

        async def open_store(codec: Codec, *, read_only: bool = False) -> MemoryEventStore:
            return MemoryEventStore(codec, log)

        return open_store

    async def age_answers(self, hours: float) -> None:
        age_us = int(hours * 3_600_000_000)
        for key, (kept_us, kept) in self.log.answers.items():
            self.log.answers[key] = kept_us - age_us, kept
