"""The read store in SQLite when something is wrong: always a sentence, never an error of the driver."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from sigdep.adapters.sqlite import read_store as module
from sigdep.adapters.sqlite.read_errors import translated
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.read_store import Select
from sigdep.testing.read_store_samples import ITEMS, TABLES, fill, identity, item, new_model


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "views.db").write_bytes(b"no database, and longer than a header" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        await SqliteReadStore.open(tmp_path / "views.db")


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await SqliteReadStore.open(tmp_path / "absent" / "views.db")


async def test_what_was_committed_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    store = await SqliteReadStore.open(tmp_path / "views.db")
    model = await new_model(store, "tasks")
    await fill(store, model, [item(1)])
    await store.close()
    store = await SqliteReadStore.open(tmp_path / "views.db")
    assert await store.live("tasks", TABLES, "f") == model
    assert await store.get(model, ITEMS, (identity(1),)) == item(1)
    await store.close()


async def test_a_closed_store_is_unavailable(tmp_path: Path) -> None:
    store = await SqliteReadStore.open(tmp_path / "views.db")
    model = await new_model(store, "tasks")
    await store.close()
    await store.close()
    for refused in (
        store.get(model, ITEMS, (identity(1),)),
        store.select(model, Select(table=ITEMS)),
        fill(store, model, [item(1)]),
        store.live("tasks", TABLES),
    ):
        with pytest.raises(Unavailable):
            await refused


async def test_too_many_questions_at_once_are_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUESTIONS_WAITING_MAX", 3)
    store = await SqliteReadStore.open(tmp_path / "views.db")
    model = await new_model(store, "tasks")
    held = threading.Event()
    monkeypatch.setattr(store, "_select", lambda *_: held.wait(10))
    waiting = [asyncio.create_task(store.select(model, Select(table=ITEMS))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await store.select(model, Select(table=ITEMS))
    held.set()
    await asyncio.gather(*waiting)
    assert (await store.get_many(model, ITEMS, [])) == {}
    await store.close()


ERRORS = [value for value in vars(sqlite3).values() if isinstance(value, type) and issubclass(value, sqlite3.Error)]


@pytest.mark.parametrize("kind", ERRORS)
def test_no_error_of_the_driver_gets_through(kind: type[Exception]) -> None:
    with pytest.raises((Unavailable, Invalid)), translated():
        raise kind("something")
