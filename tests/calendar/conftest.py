"""What tests of this context may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.read_store import ReadStore
from tests.calendar.importing import Place
from tests.calendar.world import World


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Both services over an empty log."""
    store: ReadStore
    store = MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    yield await World(store).start()
    await store.close()


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """However slow this machine is."""
    monkeypatch.setattr("sigdep.calendar.write_service.SECONDS_MAX", 600.0)
    return await Place().open()
