"""What the projector has set aside takes nobody in whom it may concern, and nobody else is kept out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sigdep.kernel.errors import Unauthenticated, Unavailable
from sigdep.kernel.messages import Event
from sigdep.services import projecting
from sigdep.users.commands.requests import SignOut
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.events.sessions import SessionEnded
from sigdep.users.events.workspaces import MemberRemoved, MemberRoleChanged
from sigdep.users.queries import GetWorkspace, ListWorkspaces
from sigdep.users.read_models import credentials, workspaces
from tests.users.team import Team
from tests.users.world import World


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
