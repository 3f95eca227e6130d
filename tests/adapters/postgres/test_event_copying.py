"""A log in PostgreSQL is copied as the port promises."""

from collections.abc import Callable
from itertools import count

import pytest

from sigdep.adapters.postgres.event_copying import PostgresLogCopy
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.log_copying import LogCopyContract, LogPlace


class PostgresPlace:
    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn, self.schema = dsn, schema

    async def open_store(self, codec: Codec) -> PostgresEventStore:
        return await PostgresEventStore.open(self.dsn, codec, schema=self.schema)

    async def open_source(self) -> PostgresLogCopy:
        return await PostgresLogCopy.open_source(self.dsn, self.schema)

    async def open_target(self) -> PostgresLogCopy:
        return await PostgresLogCopy.open_target(self.dsn, self.schema)


class TestPostgresLogCopy(LogCopyContract):
    @pytest.fixture
    def new_place(self, postgresql_shared_dsn: str, schema: str) -> Callable[[], LogPlace]:
        numbers = count()
        return lambda: PostgresPlace(postgresql_shared_dsn, f"{schema}_copy_{next(numbers)}")
