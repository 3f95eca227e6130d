"""A key ring in PostgreSQL is copied as the port promises."""

from collections.abc import Callable
from itertools import count

import pytest

from sigdep.adapters.postgres.key_copying import PostgresKeyCopy
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.testing.key_copying import KeyCopyContract, KeyPlace

WRAPPING_KEY = bytes(range(32))


class PostgresPlace:
    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn, self.schema = dsn, schema

    async def open_ring(self) -> PostgresKeyRing:
        return await PostgresKeyRing.open(self.dsn, WRAPPING_KEY, schema=self.schema)

    async def open_source(self) -> PostgresKeyCopy:
        return await PostgresKeyCopy.open_source(self.dsn, self.schema)

    async def open_target(self) -> PostgresKeyCopy:
        return await PostgresKeyCopy.open_target(self.dsn, self.schema)


class TestPostgresKeyCopy(KeyCopyContract):
    @pytest.fixture
    def new_place(self, postgresql_shared_dsn: str, schema: str) -> Callable[[], KeyPlace]:
        numbers = count()
        return lambda: PostgresPlace(postgresql_shared_dsn, f"{schema}_keys_{next(numbers)}")
