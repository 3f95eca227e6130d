"""Random histories: the SQLite store does what the model does."""

import os

import pytest
from hypothesis import HealthCheck, settings

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store_machine import EventStoreMachine

LONG = os.environ.get("SIGDEP_LONG") == "1"


class SqliteMachine(EventStoreMachine):
    async def open_store(self, codec: Codec) -> SqliteEventStore:
        return await SqliteEventStore.open(self.folder / "log.db", codec)


TestSqliteAgainstTheModel = pytest.mark.timeout(1_200 if LONG else 120)(SqliteMachine.TestCase)
TestSqliteAgainstTheModel.settings = settings(
    max_examples=500 if LONG else 30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
