"""Leases that are due within a moment are renewed in one statement, and each hears of its own."""

import asyncio
from collections.abc import Collection, Sequence

import pytest

from sigdep.adapters.postgres.errors import Away
from sigdep.adapters.postgres.renewals import Renewal, Renewals
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.lease import Epoch


class Database:
    """Holds what it is told that it holds."""

    def __init__(self, *held: tuple[str, int]) -> None:
        self._held = {(name, Epoch(epoch)) for name, epoch in held}
        self.asked: list[list[str]] = []
        self.away = False

    async def renew(self, renewals: Sequence[Renewal]) -> Collection[tuple[str, Epoch]]:
        self.asked.append([renewal.name for renewal in renewals])
        if self.away:
            raise Away("It is away.")
        return self._held


def renewing(renewals: Renewals, name: str, epoch: int = 1) -> "asyncio.Task[bool]":
    return asyncio.create_task(renewals.renew(Renewal(name, Epoch(epoch), 2.0)))


async def test_each_hears_of_its_own() -> None:
    database = Database(("a", 1), ("c", 2))
    renewals = Renewals(database.renew)
    asking = [renewing(renewals, name, epoch) for name, epoch in (("a", 1), ("b", 1), ("c", 1), ("c", 2))]
    assert await asyncio.gather(*asking) == [True, False, False, True]
    assert database.asked == [["a", "b", "c", "c"]]
    assert await renewing(renewals, "a")
    assert len(database.asked) == 2


async def test_who_waits_no_more_is_not_renewed() -> None:
    database = Database(("a", 1))
    renewals = Renewals(database.renew)
    leaving, staying = renewing(renewals, "b"), renewing(renewals, "a")
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying
    assert database.asked == [["a"]]


async def test_all_hear_that_the_database_is_away_and_may_ask_again() -> None:
    database = Database(("a", 1))
    database.away = True
    renewals = Renewals(database.renew)
    for asking in (renewing(renewals, "a"), renewing(renewals, "b")):
        with pytest.raises(Unavailable, match="away"):
            await asking
    database.away = False
    assert await renewing(renewals, "a")


async def test_closing_keeps_nobody_waiting() -> None:
    renewals = Renewals(Database(("a", 1)).renew)
    asking = renewing(renewals, "a")
    await asyncio.sleep(0)
    await renewals.close()
    with pytest.raises(Unavailable):
        await asking
