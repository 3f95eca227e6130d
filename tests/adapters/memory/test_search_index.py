"""The search index in memory keeps the contract."""

import pytest

from sigdep.adapters.memory.search_index import MemorySearchIndex
from sigdep.kernel.search_index import SearchIndex
from sigdep.testing.search_index import SearchIndexContract


class TestMemorySearchIndex(SearchIndexContract):
    @pytest.fixture
    async def index(self) -> SearchIndex:
        return MemorySearchIndex()
