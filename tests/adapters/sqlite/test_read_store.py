"""The read store in SQLite keeps the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.read_store import ReadStore
from sigdep.testing.read_store import ReadStoreContract


class TestSqliteReadStore(ReadStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[ReadStore]:
        store = await SqliteReadStore.open(tmp_path / "views.db")
        yield store
        await store.close()
