"""The SQLite event store keeps the port's contract."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store import EventStoreContract, Opener, SqlChainContract


class TestSqliteEventStore(EventStoreContract, SqlChainContract):
    several_writers = False
    append_only_tables = ("event",)
    change_link = "UPDATE event SET link = (SELECT link FROM event WHERE position = 1) WHERE position = 4"
    remove_link = None

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "log.db"

    @pytest.fixture
    def opener(self, path: Path) -> Opener:
        async def open_store(codec: Codec, *, read_only: bool = False) -> SqliteEventStore:
            return await SqliteEventStore.open(path, codec, read_only=read_only)

        return open_store

    @pytest.fixture(autouse=True)
    def _remember_place(self, path: Path) -> None:
        self.place = path

    async def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.place)) as connection, connection:
            connection.execute(statement)

    async def age_answers(self, hours: float) -> None:
        await self.execute(f"UPDATE answer SET kept_us = kept_us - {int(hours * 3_600_000_000)}")

    async def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.place)) as connection, connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            connection.execute(statement)
