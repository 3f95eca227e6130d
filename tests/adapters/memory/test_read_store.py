"""The read store in memory keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.kernel.read_store import ReadStore
from sigdep.testing.read_store import ReadStoreContract


class TestMemoryReadStore(ReadStoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[ReadStore]:
        store = MemoryReadStore()
        yield store
        await store.close()
