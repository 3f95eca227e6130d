"""A key ring in SQLite is copied as the port promises."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.key_copying import SqliteKeyCopy
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.testing.key_copying import KeyCopyContract, KeyPlace

WRAPPING_KEY = bytes(range(32))


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def open_ring(self) -> SqliteKeyRing:
        return await SqliteKeyRing.open(self.path, WRAPPING_KEY)

    async def open_source(self) -> SqliteKeyCopy:
        return await SqliteKeyCopy.open_source(self.path)

    async def open_target(self) -> SqliteKeyCopy:
        return await SqliteKeyCopy.open_target(self.path)


class TestSqliteKeyCopy(KeyCopyContract):
    @pytest.fixture
    def new_place(self, tmp_path: Path) -> Callable[[], KeyPlace]:
        numbers = count()
        return lambda: SqlitePlace(tmp_path / f"{next(numbers)}.keys.db")
