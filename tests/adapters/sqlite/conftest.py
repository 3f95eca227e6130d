"""What the tests of the SQLite event store share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.sample_events import SAMPLE_EVENTS


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def codec() -> Codec:
    return Codec(SAMPLE_EVENTS, MemoryKeyRing())


@pytest.fixture
async def log(log_path: Path, codec: Codec) -> AsyncIterator[SqliteEventStore]:
    store = await SqliteEventStore.open(log_path, codec)
    yield store
    await store.close()
