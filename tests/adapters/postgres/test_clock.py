"""The clock of the server: it goes on between readings, and while the server is away for a moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sigdep.adapters.postgres import clock, connecting
from sigdep.adapters.postgres.clock import PostgresClock
from sigdep.kernel.errors import Unavailable
from tests.adapters.postgres.proxy import proxied

NEAR = timedelta(seconds=30)
"""Of the clock of this machine, which is the server's too."""


async def test_it_shows_the_time_of_the_server_and_goes_on(postgresql_shared_dsn: str) -> None:
    shown = await PostgresClock.open(postgresql_shared_dsn)
    try:
        first = await shown.now()
        assert abs(first - datetime.now(UTC)) < NEAR
        assert first.tzinfo is not None
        await asyncio.sleep(0.05)
        second = await shown.now()
        assert second - first >= timedelta(seconds=0.04)
    finally:
        await shown.close()


async def test_it_goes_on_without_the_server_for_a_while_and_then_says_so(
    postgresql_shared_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "READING_SECONDS", 0.0)
    monkeypatch.setattr(connecting, "CONNECT_SECONDS_MAX", 0.5)
    async with proxied(postgresql_shared_dsn) as (proxy, dsn):
        shown = await PostgresClock.open(dsn)
        before = await shown.now()
        proxy.hangs = True
        await proxy.close()
        assert await shown.now() > before
        monkeypatch.setattr(clock, "STALE_SECONDS_MAX", 0.0)
        with pytest.raises(Unavailable):
            await shown.now()
        await shown.close()
