"""A workspace whose members come and go, and a read model that does not get on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.rpc.call import Principal
from sigdep.services.projector import Projector
from sigdep.services.watching import Watcher
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember
from sigdep.users.service.confirming import GOOD_SECONDS
from tests.users.world import World


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


@asynccontextmanager
async def held(world: World, monkeypatch: pytest.MonkeyPatch, *watchers: Watcher) -> AsyncIterator[None]:
    """Nothing is projected, as while another replica takes over, and nobody waits long for it."""
    with monkeypatch.context() as patch:
        followers: tuple[Projector | Watcher, ...] = (world.projector, *watchers)
        for progress in followers:
            patch.setattr(progress, "wait_for", partial(progress.wait_for, timeout_seconds=0.05))
        async with world.projector._changing:
            yield
