"""Who presents a credential, as a gateway knows it: remembered for a moment, and forgotten at a notice."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Unauthenticated
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.users.queries import Identify
from sigdep.users.remote import SETTLE_SECONDS, TRUSTED_SECONDS, RemoteIdentities

ADA, BOB = UserId(UUID(int=1)), UserId(UUID(int=2))
TEAM = WorkspaceId(UUID(int=3))


class UsersRead:
    """Answers when it is let, by what is true when it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.revoked = False
        self.open = asyncio.Event()
        self.open.set()

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert isinstance(message, Identify)
        self.asked += 1
        revoked = self.revoked
        await self.open.wait()
        if revoked:
            raise Unauthenticated("This token is none of ours.")
        user = ADA if message.bearer.startswith("ada") else BOB
        return Answer(value=Principal(user_id=user, personal_workspace_id=TEAM, roles={TEAM: "owner"}))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.read = UsersRead()
        self.identities = RemoteIdentities(self.read, steady=self.clock)


@pytest.fixture
async def world() -> World:
    return World()


async def test_nobody_is_asked_twice_within_a_moment(world: World) -> None:
    for _ in range(5):
        await world.identities.principal("ada")
    assert world.read.asked == 1
    world.clock.now += TRUSTED_SECONDS
    await world.identities.principal("ada")
    assert world.read.asked == 2


async def test_after_a_notice_all_credentials_of_the_user_are_asked_about_again_and_no_others(world: World) -> None:
    for bearer in ("ada 1", "ada 2", "bob"):
        await world.identities.principal(bearer)
    world.clock.now += 0.01
    world.read.revoked = True
    world.identities.forget([ADA])
    for bearer in ("ada 1", "ada 2"):
        with pytest.raises(Unauthenticated):
            await world.identities.principal(bearer)
    assert (await world.identities.principal("bob")).user_id == BOB
    world.identities.forget(None)
    with pytest.raises(Unauthenticated):
        await world.identities.principal("bob")


async def test_what_users_read_says_just_after_a_notice_may_be_old_and_is_not_remembered(world: World) -> None:
    world.identities.forget([ADA])
    for number in range(1, 4):
        world.clock.now += SETTLE_SECONDS / 4
        await world.identities.principal("ada")
        assert world.read.asked == number
    world.clock.now += SETTLE_SECONDS / 2
    for _ in range(3):
        await world.identities.principal("ada")
    assert world.read.asked == 4
    assert SETTLE_SECONDS + TRUSTED_SECONDS < 1


async def test_an_answer_that_was_on_its_way_at_a_notice_is_for_those_who_had_asked_and_for_nobody_else(
    world: World,
) -> None:
    world.read.open.clear()
    before = asyncio.create_task(world.identities.principal("ada"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.read.asked == 1
    world.clock.now += 0.01
    world.read.revoked = True
    world.identities.forget([ADA])
    after = asyncio.create_task(world.identities.principal("ada"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.read.open.set()
    assert (await before).user_id == ADA
    with pytest.raises(Unauthenticated):
        await after
    with pytest.raises(Unauthenticated):
        await world.identities.principal("ada")
    assert world.identities._asking == {}


async def test_who_comes_later_does_not_go_by_what_was_asked_too_long_ago(world: World) -> None:
    """As where `users.read` takes seconds to answer."""
    world.read.open.clear()
    before = asyncio.create_task(world.identities.principal("ada"))
    for _ in range(3):
        await asyncio.sleep(0)
    world.clock.now += TRUSTED_SECONDS
    world.read.revoked = True
    after = [asyncio.create_task(world.identities.principal("ada")) for _ in range(5)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert world.read.asked == 1
    world.read.open.set()
    assert (await before).user_id == ADA
    for one in after:
        with pytest.raises(Unauthenticated):
            await one
    assert world.read.asked == 2
