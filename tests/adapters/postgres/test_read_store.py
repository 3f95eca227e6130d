"""The read store in PostgreSQL keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.kernel.read_store import ReadStore
from sigdep.testing.read_store import ReadStoreContract


class TestPostgresReadStore(ReadStoreContract):
    @pytest.fixture
    async def store(self, postgresql_shared_dsn: str, schema: str) -> AsyncIterator[ReadStore]:
        # Nothing here is about crashes, and every test makes tables: let none of it wait for the disk.
        store = await PostgresReadStore.open(f"{postgresql_shared_dsn}?synchronous_commit=off", schema=schema)
        yield store
        await store.close()
