"""Whoever has been removed has lost it within a second, also where the read model is behind, set aside or cut off."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.gateway.application import create_application
from sigdep.gateway.settings import GatewaySettings
from sigdep.kernel.errors import LogDamaged, Unauthenticated, Unavailable
from sigdep.kernel.messages import Event
from sigdep.rpc.call import Principal
from sigdep.services import projecting
from sigdep.services.projector import Projector
from sigdep.services.watching import Watcher
from sigdep.users.commands.requests import OpenWorkspace, SignOut
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember
from sigdep.users.context import open_read, read_model, routes
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.events.sessions import SessionEnded
from sigdep.users.events.workspaces import MemberRemoved, MemberRoleChanged
from sigdep.users.queries import GetWorkspace, ListWorkspaces
from sigdep.users.read_models import credentials, workspaces
from sigdep.users.service import doubts as module
from sigdep.users.service.confirming import AWAY_SECONDS_MAX, GOOD_SECONDS
from sigdep.users.service.reading import Reads
from tests.users.world import ISSUER, SIGNING_KEY, World


class Team:
    """A workspace of Ada's. Bob and Cyd belong to it, and all of them have used their sessions a moment ago."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.principals: dict[str, Principal] = {}
        self.bearers: dict[str, str] = {}
        self.id: WorkspaceId

    async def open(self) -> "Team":
        ada = await self._world.enter("Ada")
        self.id, people = await self._world.team(ada, Bob="admin", Cyd="member")
        self.principals = {"Ada": ada, **people}
        for name in self.principals:
            self.bearers[name] = (await self._world.sign_in(name)).access_token
        await self._world.caught_up()
        self.later()
        for name in self.principals:
            assert await self.role(name) is not None
        return self

    def later(self) -> None:
        self._world.clock.forward(seconds=GOOD_SECONDS)

    async def role(self, name: str, *, fresh: bool = False) -> Role | None:
        principal = await self._world.users.reading.identities.principal(self.bearers[name], fresh=fresh)
        return principal.roles.get(self.id)

    async def remove(self, name: str) -> None:
        await self._write(RemoveMember(workspace_id=self.id, user_id=self.user(name), by=self.user("Ada"), at=self._at))

    async def promote(self, name: str, role: Role) -> None:
        user = self.user(name)
        await self._write(
            ChangeMemberRole(workspace_id=self.id, user_id=user, role=role, by=self.user("Ada"), at=self._at)
        )

    def user(self, name: str) -> UserId:
        return self.principals[name].user_id

    @property
    def _at(self) -> Any:
        return self._world.clock.at

    async def _write(self, command: RemoveMember | ChangeMemberRole) -> None:
        await self._world.write(command, self.principals["Ada"])


@pytest.fixture
async def team(world: World) -> Team:
    return await Team(world).open()


@asynccontextmanager
async def held(world: World, monkeypatch: pytest.MonkeyPatch, *watchers: Watcher) -> AsyncIterator[None]:
    """Nothing is projected, as while another replica takes over, and nobody waits long for it."""
    with monkeypatch.context() as patch:
        followers: tuple[Projector | Watcher, ...] = (world.projector, *watchers)
        for progress in followers:
            patch.setattr(progress, "wait_for", partial(progress.wait_for, timeout_seconds=0.05))
        async with world.projector._changing:
            yield


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


# ── streams that are set aside ───────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def failing(
    module: Any, project: str, monkeypatch: pytest.MonkeyPatch, *kinds: type[Event]
) -> AsyncIterator[None]:
    """The projector sets streams with such events aside."""
    real = getattr(module, project)

    def fails(event: Event, rows: Any) -> None:
        if isinstance(event, kinds):
            raise ValueError("No code of today projects this.")
        real(event, rows)

    with monkeypatch.context() as patch:
        patch.setattr(projecting, "PAUSES_SECONDS", (0.0, 0.0))
        patch.setattr(module, project, fails)
        yield


async def test_a_removal_that_is_set_aside_takes_that_workspace_and_nothing_else(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with failing(workspaces, "_project_memberships", monkeypatch, MemberRemoved):
        await team.remove("Bob")
        await world.caught_up()
        bob = team.principals["Bob"]
        for fresh in (False, True):
            team.later()
            found = await world.users.reading.identities.principal(team.bearers["Bob"], fresh=fresh)
            assert list(found.roles) == [bob.personal_workspace_id]
            assert (await team.role("Ada"), await team.role("Cyd")) == ("owner", "member")
        await team.remove("Cyd")  # In the same stream, and passed over by the projector.
        await world.caught_up()
        team.later()
        assert (await team.role("Ada"), await team.role("Cyd")) == ("owner", None)
        with pytest.raises(WorkspaceNotFound):
            await world.read(GetWorkspace(workspace_id=team.id), bob)
        assert [place.id for place in (await world.read(ListWorkspaces(limit=10), bob)).items] == [
            bob.personal_workspace_id
        ]
        assert (await world.read(GetWorkspace(workspace_id=team.id), team.principals["Ada"])).id == team.id


async def test_a_role_that_is_set_aside_is_none_until_it_has_been_taken_up_again(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with failing(workspaces, "_project_memberships", monkeypatch, MemberRoleChanged):
        await team.promote("Cyd", "viewer")
        await world.caught_up()
        team.later()
        assert await team.role("Cyd") is None
    assert await world.projector.replay_parked() == 1
    assert await team.role("Cyd", fresh=True) == "viewer"


async def test_what_is_set_aside_just_while_it_is_waited_for_is_not_believed(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with failing(workspaces, "_project_memberships", monkeypatch, MemberRemoved):
        async with world.projector._changing:
            await team.remove("Bob")
            team.later()
            asking = asyncio.create_task(team.role("Bob"))
            for _ in range(20):
                await asyncio.sleep(0)
        assert await asking is None


async def test_a_session_whose_end_is_set_aside_opens_nothing(
    world: World, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await world.users.reading.identities.principal(team.bearers["Bob"])
    async with failing(credentials, "project", monkeypatch, SessionEnded):
        await world.write(SignOut(), bob)
        await world.caught_up()
        for fresh in (False, True):
            team.later()
            with pytest.raises(Unavailable):
                await team.role("Bob", fresh=fresh)
            assert await team.role("Ada") == "owner"
    assert await world.projector.replay_parked() == 1
    team.later()
    with pytest.raises(Unauthenticated):
        await team.role("Bob")


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
