"""PostgreSQL keeps the event store's contract."""

import asyncpg
import pytest

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store import EventStoreContract, Opener, SqlChainContract


class TestPostgresEventStore(EventStoreContract, SqlChainContract):
    @pytest.fixture(autouse=True)
    def _place(self, postgresql_shared_dsn: str, schema: str) -> None:
        self.dsn, self.schema = postgresql_shared_dsn, schema

    @pytest.fixture
    def opener(self) -> Opener:
        async def open_store(codec: Codec, *, read_only: bool = False) -> PostgresEventStore:
            return await PostgresEventStore.open(self.dsn, codec, schema=self.schema)

        return open_store

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": self.schema})
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def age_answers(self, hours: float) -> None:
        await self.execute(f"UPDATE answer SET recorded_us = recorded_us - {int(hours * 3_600_000_000)}")

    async def tamper(self, statement: str) -> None:
        await self.execute(
            "ALTER TABLE event DISABLE TRIGGER append_only",
            "ALTER TABLE link DISABLE TRIGGER append_only",
            statement,
        )
