"""What tests of this context may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.read_store import ReadStore
from sigdep.notifications.writing.hearing import Source
from tests.notifications.told import Told
from tests.notifications.world import World


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Both services over an empty log."""
    store: ReadStore
    store = MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    yield await World(store).start()
    await store.close()


@pytest.fixture
def told(world: World) -> Told:
    """What tasks tell."""
    told, calendar = Told(), Told()
    world.sources = {"tasks": Source(told, told.heads), "calendar": Source(calendar, calendar.heads)}
    world.write = world.process(alone=True)
    return told
