"""Whoever has been removed has lost it within a second, also where the read model is behind or cut off."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sigdep.contracts.ids import UserId
from sigdep.gateway.application import create_application
from sigdep.gateway.settings import GatewaySettings
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.services.watching import Watcher
from sigdep.users.commands.requests import OpenWorkspace
from sigdep.users.context import open_read, read_model, routes
from sigdep.users.service import doubts as module
from sigdep.users.service.confirming import AWAY_SECONDS_MAX, GOOD_SECONDS
from sigdep.users.service.reading import Reads
from tests.users.team import Team, held
from tests.users.world import ISSUER, SIGNING_KEY, World

# ── a read model that is behind ──────────────────────────────────────────────────────────────────────────


async def test_while_the_read_model_is_behind_the_removed_are_refused_and_nobody_else_is(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held(world, monkeypatch):
        await team.remove("Bob")
        for _ in range(3):
            team.later()
            with pytest.raises(Unavailable):
                await team.role("Bob")
            assert (await team.role("Ada"), await team.role("Cyd")) == ("owner", "member")
    await world.caught_up()
    assert await team.role("Bob") is None


async def test_what_takes_nothing_away_from_anybody_is_waited_for_by_nobody(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held(world, monkeypatch):
        await world.sign_up("Dan")
        await world.write(OpenWorkspace(name="Other"), team.principals["Cyd"])
        for _ in range(3):
            team.later()
            assert await team.role("Bob") == "admin"


async def test_who_is_asked_about_afresh_just_then_is_never_known_by_old_rows(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held(world, monkeypatch):
        await team.remove("Bob")
        with pytest.raises(Unavailable):
            await team.role("Bob", fresh=True)


async def test_who_waits_a_moment_hears_the_truth_once_the_rows_show_it(world: World, team: Team) -> None:
    async with world.projector._changing:
        await team.remove("Bob")
        team.later()
        asking = asyncio.create_task(team.role("Bob"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asking.done()
    assert await asking is None


async def test_past_so_many_removals_everybody_is_doubted_until_the_rows_have_come_there(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DOUBTED_USERS_MAX", 1)
    async with held(world, monkeypatch):
        await team.promote("Bob", "viewer")
        await team.remove("Cyd")
        team.later()
        for name in team.bearers:
            with pytest.raises(Unavailable):
                await team.role(name)
    await world.caught_up()
    assert [await team.role(name) for name in team.bearers] == ["owner", "viewer", None]


@pytest.mark.parametrize("replica", ["that projects", "that watches"])
async def test_nobody_gets_in_for_longer_than_a_second_after_a_removal(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch, replica: str
) -> None:
    """By a real clock, with requests all the time."""
    watcher = Watcher(world.views, read_model())
    watching = asyncio.create_task(watcher.run())
    await watcher.look()
    reading = open_read(
        log=world.store,
        views=world.views,
        progress=watcher if replica == "that watches" else world.projector,
        signing_keys=[SIGNING_KEY],
        issuer=ISSUER,
        now=time.time,
    )
    application = create_application(
        routes(world.users.writing.write, reading.read),
        identities=reading.identities,
        settings=GatewaySettings(fingerprint_key=b"for tests: sixteen bytes or more", limits=None, log_requests=False),
    )
    transport, path = httpx.ASGITransport(app=application, client=("192.0.2.7", 4711)), f"/api/workspaces/{team.id}"
    async with httpx.AsyncClient(transport=transport, base_url="http://sigdep.test") as client:
        world.clock.at = datetime.now(UTC)
        for name in ("Ada", "Bob"):
            team.bearers[name] = (await world.sign_in(name)).access_token

        async def get(name: str) -> int:
            headers = {"Authorization": f"Bearer {team.bearers[name]}"}
            return (await client.get(path, headers=headers)).status_code

        assert (await get("Ada"), await get("Bob")) == (200, 200)
        async with held(world, monkeypatch, watcher):
            await team.remove("Bob")
            removed_at = time.monotonic()
            while (begun := time.monotonic()) < removed_at + 2.0:
                status = await get("Bob")
                assert status in (200, 503)
                assert status == 503 or begun < removed_at + 1.0
                assert await get("Ada") == 200
                await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            while (status := await get("Bob")) == 503:
                await asyncio.sleep(0.02)
        assert (await get("Ada"), status) == (200, 404)
    watching.cancel()


async def test_who_comes_later_does_not_go_by_what_was_looked_up_too_long_ago(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the read store takes seconds to answer."""
    roles_of, slow = Reads.roles_of, asyncio.Event()

    async def slowly(reads: Reads, user_id: UserId) -> Any:
        roles = await roles_of(reads, user_id)
        await slow.wait()
        return roles

    await team.promote("Bob", "member")
    await world.caught_up()
    team.later()
    monkeypatch.setattr(Reads, "roles_of", slowly)
    before = asyncio.create_task(team.role("Bob"))
    for _ in range(20):
        await asyncio.sleep(0)
    await team.remove("Bob")
    await world.caught_up()
    team.later()
    after = asyncio.create_task(team.role("Bob"))
    await asyncio.sleep(0)
    slow.set()
    assert (await before, await after) == ("member", None)


# ── a log that is away ───────────────────────────────────────────────────────────────────────────────────


async def test_while_the_log_is_away_everybody_goes_on_for_a_bounded_time(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> Any:
        raise Unavailable("Away.")

    monkeypatch.setattr(world.store, "heads", away)
    world.clock.forward(seconds=GOOD_SECONDS)
    assert await team.role("Bob") == "admin"
    world.clock.forward(seconds=AWAY_SECONDS_MAX - 1.0)
    assert await team.role("Bob") == "admin"
    with pytest.raises(Unavailable):
        await team.role("Bob", fresh=True)
    world.clock.forward(seconds=1.0)
    with pytest.raises(Unavailable):
        await team.role("Bob")


async def test_who_was_known_to_be_removed_when_the_log_went_away_stays_so(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> Any:
        raise Unavailable("Away.")

    async with held(world, monkeypatch):
        await team.remove("Bob")
        team.later()
        assert await team.role("Ada") == "owner"
        monkeypatch.setattr(world.store, "heads", away)
        for _ in range(3):
            team.later()
            with pytest.raises(Unavailable):
                await team.role("Bob")
    team.later()
    async with asyncio.timeout(5):
        while await team.role("Bob") is not None:
            await asyncio.sleep(0.01)


async def test_an_event_that_no_code_can_read_may_say_anything(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(*_: Any, **__: Any) -> Any:
        raise LogDamaged("An event of an unknown type.")

    async with held(world, monkeypatch):
        await team.promote("Bob", "viewer")
        monkeypatch.setattr(world.store, "read_all", damaged)
        team.later()
        with pytest.raises(Unavailable):
            await team.role("Ada")
