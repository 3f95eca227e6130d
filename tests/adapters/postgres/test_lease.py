"""Leases in PostgreSQL keep the contract, also over restarts, lost answers and a database that is away."""

import asyncio
import os
import signal
import sys

import pytest

from sigdep.adapters.postgres.errors import Away
from sigdep.adapters.postgres.lease import PostgresLeases
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.lease import Holder
from sigdep.testing.lease import LONG_SECONDS, LeaseContract, OpenLeases
from tests.adapters.postgres.proxy import proxied

HOLDER = """
import asyncio, sys
from sigdep.kernel.lease import Holder
from sigdep.adapters.postgres.lease import PostgresLeases

async def hold():
    leases = await PostgresLeases.open(sys.argv[1], schema=sys.argv[2])
    epoch = await leases.acquire("projector", Holder("sleeper"), 1.0)
    print("held", epoch, flush=True)
    while await leases.renew("projector", epoch, 1.0):
        await asyncio.sleep(0.2)
    print("lost", flush=True)
    await leases.release("projector", epoch)
    await leases.close()

asyncio.run(hold())
"""


class TestPostgresLeases(LeaseContract):
    @pytest.fixture
    def open_leases(self, postgresql_shared_dsn: str, schema: str) -> OpenLeases:
        async def open_leases() -> PostgresLeases:
            return await PostgresLeases.open(postgresql_shared_dsn, schema=schema)

        return open_leases


async def test_a_holder_that_was_stopped_finds_that_it_has_lost(postgresql_shared_dsn: str, schema: str) -> None:
    leases = await PostgresLeases.open(postgresql_shared_dsn, schema=schema)
    sleeper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, postgresql_shared_dsn, schema, stdout=asyncio.subprocess.PIPE
    )
    assert sleeper.stdout is not None
    try:
        assert await sleeper.stdout.readline() == b"held 1\n"
        await asyncio.sleep(1.3)
        assert await leases.acquire("projector", Holder("next"), LONG_SECONDS) is None, "It renews, so it is held."
        os.kill(sleeper.pid, signal.SIGSTOP)
        await asyncio.sleep(1.3)
        assert await leases.acquire("projector", Holder("next"), LONG_SECONDS) == 2
        os.kill(sleeper.pid, signal.SIGCONT)
        assert await asyncio.wait_for(sleeper.stdout.readline(), 10) == b"lost\n"
        assert await sleeper.wait() == 0
        third = await leases.acquire("projector", Holder("third"), LONG_SECONDS)
        assert third is None, "What it released was not its own."
    finally:
        if sleeper.returncode is None:
            sleeper.kill()
            await sleeper.wait()
        await leases.close()


async def test_epochs_grow_over_restarts(postgresql_shared_dsn: str, schema: str) -> None:
    for expected in (1, 2, 3):
        leases = await PostgresLeases.open(postgresql_shared_dsn, schema=schema)
        epoch = await leases.acquire("projector", Holder(f"start {expected}"), LONG_SECONDS)
        assert epoch == expected
        await leases.release("projector", epoch)
        await leases.close()


async def test_a_holder_whose_answer_was_lost_asks_again(postgresql_shared_dsn: str, schema: str) -> None:
    async with proxied(postgresql_shared_dsn) as (proxy, dsn):
        leases = await PostgresLeases.open(dsn, schema=schema)
        await leases.acquire("relay", Holder("one"), LONG_SECONDS)
        proxy.cut("answer")
        with pytest.raises(Away):
            await leases.acquire("projector", Holder("one"), LONG_SECONDS)
        assert proxy.cuts == 1
        assert await leases.acquire("projector", Holder("one"), LONG_SECONDS) == 2
        await leases.close()


async def test_a_database_that_says_nothing_is_away_within_seconds(postgresql_shared_dsn: str, schema: str) -> None:
    async with proxied(postgresql_shared_dsn) as (proxy, dsn):
        leases = await PostgresLeases.open(dsn, schema=schema)
        epoch = await leases.acquire("projector", Holder("one"), LONG_SECONDS)
        assert epoch is not None
        proxy.hangs = True
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await leases.renew("projector", epoch, LONG_SECONDS)
        assert asyncio.get_running_loop().time() - began < 5
        leases._pool.terminate()
