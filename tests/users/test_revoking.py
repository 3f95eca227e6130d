"""Whatever takes a role or a credential away makes its user suspect: at once nothing remembered is believed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, get_args

import pytest

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.revocations import Suspects
from sigdep.kernel.errors import Unauthenticated
from sigdep.rpc.call import Principal
from sigdep.users.commands.requests import (
    ChangeAccount,
    EraseAccount,
    EraseWorkspace,
    ExchangeRefreshToken,
    IssueToken,
    OpenWorkspace,
    RevokeRefreshToken,
    SignOut,
    WithdrawToken,
)
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember
from sigdep.users.events.stored import EVENTS
from sigdep.users.revoking import AnyUsersEvent, suspects
from sigdep.users.service.sessions import InvalidGrant
from tests.users.world import GRACE, PASSWORD, World


@dataclass
class Scene:
    """Ada owns a team in which Bob is an admin, and both are remembered, by session and by token."""

    world: World
    ada: Principal
    bob: Principal
    team: WorkspaceId
    bearers: dict[str, str]
    told: list[Suspects]
    refresh_token: str

    async def principal(self, name: str) -> Principal:
        return await self.world.users.reading.identities.principal(self.bearers[name])


@pytest.fixture
async def scene(world: World) -> Scene:
    await world.sign_up()
    identities = world.users.reading.identities
    ada = await identities.principal((await world.sign_in()).access_token)
    team, _ = await world.team(ada, Bob="admin")
    session = await world.sign_in("Bob")
    bob = await identities.principal(session.access_token)
    token = await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), bob)
    bearers = {"session": session.access_token, "token": token.token, "ada": (await world.sign_in()).access_token}
    scene = Scene(world, ada, bob, team, bearers, [], session.refresh_token)
    scene.bob = await identities.principal(session.access_token, fresh=True)
    for name in bearers:
        await scene.principal(name)
    await world.caught_up()

    def applied(batch: object) -> None:
        found = suspects(batch)  # type: ignore[arg-type]
        if found is None or found:
            scene.told.append(found)
            identities.forget(found)

    world.projector._on_applied = applied
    return scene


async def sign_out(scene: Scene) -> None:
    await scene.world.write(SignOut(), scene.bob)


async def revoke_the_refresh_token(scene: Scene) -> None:
    await scene.world.write(RevokeRefreshToken(token=scene.refresh_token))


async def use_a_refresh_token_twice(scene: Scene) -> None:
    await scene.world.write(ExchangeRefreshToken(refresh_token=scene.refresh_token))
    scene.world.clock.forward(seconds=120)
    with pytest.raises(InvalidGrant):
        await scene.world.write(ExchangeRefreshToken(refresh_token=scene.refresh_token))


async def change_the_password(scene: Scene) -> None:
    other = await scene.world.users.reading.identities.principal((await scene.world.sign_in("Bob")).access_token)
    await scene.world.write(ChangeAccount(password="a new password", current_password=PASSWORD), other)


async def withdraw_the_token(scene: Scene) -> None:
    tokens = [known.credential.id for known in scene.world.users.reading.identities._known.values()
              if known.credential.kind == "token"]  # fmt: skip
    await scene.world.write(WithdrawToken(token_id=tokens[0]), scene.bob)  # type: ignore[arg-type]


async def erase_the_person(scene: Scene) -> None:
    await scene.world.write(EraseAccount(), scene.bob)
    report = await scene.world.users.writing.erasures.run_due(scene.world.clock.at + GRACE + timedelta(days=1))
    assert not report.failed


WAYS_OUT: Final[dict[str, tuple[Callable[[Scene], Awaitable[None]], tuple[str, ...]]]] = {
    "signs out": (sign_out, ("session",)),
    "revokes the refresh token": (revoke_the_refresh_token, ("session",)),
    "comes with a used refresh token": (use_a_refresh_token_twice, ("session",)),
    "changes the password elsewhere": (change_the_password, ("session",)),
    "withdraws the token": (withdraw_the_token, ("token",)),
    "is erased": (erase_the_person, ("session", "token")),
}


@pytest.mark.parametrize("way", WAYS_OUT)
async def test_a_credential_that_ends_is_forgotten_at_once(scene: Scene, way: str) -> None:
    revoke, ended = WAYS_OUT[way]
    await revoke(scene)
    await scene.world.caught_up()
    assert scene.told
    for name in ended:
        with pytest.raises(Unauthenticated):
            await scene.principal(name)


async def remove(scene: Scene) -> None:
    by, at = scene.ada.user_id, scene.world.clock.at
    message = RemoveMember(workspace_id=scene.team, user_id=scene.bob.user_id, by=by, at=at)
    await scene.world.write(message, scene.ada)


async def leave(scene: Scene) -> None:
    by, at = scene.bob.user_id, scene.world.clock.at
    await scene.world.write(RemoveMember(workspace_id=scene.team, user_id=by, by=by, at=at), scene.bob)


async def erase_the_workspace(scene: Scene) -> None:
    await scene.world.write(EraseWorkspace(workspace_id=scene.team), scene.ada)
    report = await scene.world.users.writing.erasures.run_due(scene.world.clock.at + GRACE + timedelta(days=1))
    assert not report.failed


@pytest.mark.parametrize("way", [remove, leave, erase_the_workspace], ids=lambda way: way.__name__)
async def test_a_membership_that_ends_is_forgotten_at_once(
    scene: Scene, way: Callable[[Scene], Awaitable[None]]
) -> None:
    assert scene.team in (await scene.principal("session")).roles
    await way(scene)
    await scene.world.caught_up()
    for name in ("session", "token"):
        assert scene.team not in (await scene.principal(name)).roles


async def test_a_role_that_shrinks_is_forgotten_at_once(scene: Scene) -> None:
    by, at = scene.ada.user_id, scene.world.clock.at
    message = ChangeMemberRole(workspace_id=scene.team, user_id=scene.bob.user_id, role="viewer", by=by, at=at)
    await scene.world.write(message, scene.ada)
    await scene.world.caught_up()
    assert (await scene.principal("session")).roles[scene.team] == "viewer"
    assert scene.told == [{scene.bob.user_id}]


async def test_what_takes_nothing_away_makes_nobody_suspect(scene: Scene) -> None:
    await scene.world.write(ChangeAccount(name="Ada Lovelace"), scene.ada)
    await scene.world.caught_up()
    scene.told.clear()
    await scene.world.sign_in()
    await scene.world.write(IssueToken(name="y", scopes=("tasks:read",), expires_at=None), scene.ada)
    await scene.world.caught_up()
    assert scene.told == []
    await scene.world.write(OpenWorkspace(name="Another"), scene.ada)
    await scene.world.caught_up()
    assert scene.told == [{scene.ada.user_id}], "Its first member is its owner."


def test_every_type_that_was_ever_stored_is_judged() -> None:
    assert set(get_args(AnyUsersEvent)) == set(EVENTS)


def test_whatever_may_have_happened_makes_everybody_suspect() -> None:
    assert suspects(None) is None
    assert suspects([]) == set()
