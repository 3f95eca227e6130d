"""The memory adapter keeps the contract of hot views."""

import pytest

from sigdep.adapters.memory.hot_views import MemoryHotViews
from sigdep.testing.hot_views import HotViewsContract


class TestMemoryHotViews(HotViewsContract):
    @pytest.fixture
    def hot(self) -> MemoryHotViews:
        return MemoryHotViews()
