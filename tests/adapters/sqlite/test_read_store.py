"""The read store in SQLite keeps the contract."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.read_store import Changes, Contains, Matches, ReadStore
from sigdep.testing.read_store import ReadStoreContract
from sigdep.testing.read_store_samples import ITEMS, fill, identity, item, new_model


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


async def test_the_index_of_words_holds_what_the_rows_hold_and_nothing_more(tmp_path: Path) -> None:
    """No answer would show it: what the index finds is looked up in the row itself."""
    store = await SqliteReadStore.open(tmp_path / "views.db")
    model = await new_model(store, "tasks")
    await fill(store, model, [item(1, title="old kept"), item(2, title="gone"), item(3, title="swept"), item(4)])
    changes = Changes([(ITEMS, Matches("swept"))], [(ITEMS, (identity(2),))], [(ITEMS, item(1, title="new kept"))])
    await store.commit(model, changes, before={}, after={})
    await fill(store, model, [item(4, title="late"), item(1, title="new kept", size=1)])
    await store.close()
    connection = sqlite3.connect(tmp_path / "views.db")
    connection.execute(f"CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', '{model}/items#words', 'row')")
    assert connection.execute("SELECT term, doc FROM words").fetchall() == [("kept", 1), ("late", 1), ("new", 1)]
    assert connection.execute(f'SELECT count(*) FROM "{model}/items#sets"').fetchone() == (0,)
    connection.close()


def _bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes().lower() for path in folder.iterdir())
