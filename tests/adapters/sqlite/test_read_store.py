"""The read store in SQLite keeps the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.read_store import Changes, Contains, ReadStore
from sigdep.testing.read_store import ReadStoreContract
from sigdep.testing.read_store_samples import ITEMS, fill, item, new_model


class TestSqliteReadStore(ReadStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[ReadStore]:
        store = await SqliteReadStore.open(tmp_path / "views.db")
        yield store
        await store.close()


async def test_what_a_wide_delete_takes_is_gone_from_the_files_at_once(tmp_path: Path) -> None:
    """Rows, documents, members of sets and the words of the search."""
    store = await SqliteReadStore.open(tmp_path / "views.db")
    model = await new_model(store, "tasks")
    await fill(store, model, [item(1, title="mzxq", notes="mzxqnote", labels=frozenset({"mzxqlabel"}))])
    await fill(store, model, [item(n, title=f"word{n}") for n in range(2, 400)])
    assert b"mzxq" in _bytes_below(tmp_path)
    await store.commit(model, Changes([(ITEMS, Contains("labels", "mzxqlabel"))], (), ()), before={}, after={})
    assert b"word7" in _bytes_below(tmp_path)
    assert b"mzxq" not in _bytes_below(tmp_path)
    await store.close()


def _bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes().lower() for path in folder.iterdir())
