"""Random histories: the PostgreSQL store does what the model does."""

import os
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.testing.event_store_machine import EventStoreMachine

LONG = os.environ.get("SIGDEP_LONG") == "1"
HISTORIES = 500 if LONG else 15


@pytest.mark.timeout(1_200 if LONG else 120)
def test_random_histories_are_those_of_the_model(postgresql_shared_dsn: str, schema: str) -> None:
    numbers = count(1)

    class PostgresMachine(EventStoreMachine):
        def __init__(self) -> None:
            super().__init__()
            self.schema = f"{schema}_{next(numbers)}"

        async def open_store(self, codec: Codec) -> PostgresEventStore:
            return await PostgresEventStore.open(postgresql_shared_dsn, codec, schema=self.schema)

    run_state_machine_as_test(
        PostgresMachine,
        settings=settings(
            max_examples=HISTORIES, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
