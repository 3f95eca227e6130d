"""A log in SQLite is copied as the port promises."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.event_copying import SqliteLogCopy
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.log_copying import LogCopyContract, LogPlace


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def open_store(self, codec: Codec) -> SqliteEventStore:
        return await SqliteEventStore.open(self.path, codec)

    async def open_source(self) -> SqliteLogCopy:
        return await SqliteLogCopy.open_source(self.path)

    async def open_target(self) -> SqliteLogCopy:
        return await SqliteLogCopy.open_target(self.path)


class TestSqliteLogCopy(LogCopyContract):
    @pytest.fixture
    def new_place(self, tmp_path: Path) -> Callable[[], LogPlace]:
        numbers = count()
        return lambda: SqlitePlace(tmp_path / f"{next(numbers)}.log.db")
