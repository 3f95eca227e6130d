"""The memory ring keeps the port's contract."""

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.testing.key_ring import KeyRingContract, OpenRing


class TestMemoryKeyRing(KeyRingContract):
    @pytest.fixture
    def open_ring(self) -> OpenRing:
        ring = MemoryKeyRing()

        async def open_ring() -> MemoryKeyRing:
            return ring

        return open_ring
