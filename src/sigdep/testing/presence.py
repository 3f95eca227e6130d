"""The contract suites of presence: every promise of `http/presence.py`, for every adapter."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.http.presence import PRESENT_USERS_MAX, Presence, Present
from sigdep.http.sharing import SharedAway

OpenPresence = Callable[[], Awaitable[Presence]]

HERE: Final = WorkspaceId(UUID(int=10))
ELSEWHERE: Final = WorkspaceId(UUID(int=11))
USERS: Final = [UserId(UUID(int=1_000 - number)) for number in range(200)]
"""Their order is not that of their ids."""

ADA, BOB, EVE = USERS[:3]

SEEN_SECONDS_MAX: Final = 20.0
"""Far over what it takes: a machine that is busy with other tests must not fail one."""


async def until_heard(heard: Collection[WorkspaceId]) -> None:
    async with asyncio.timeout(SEEN_SECONDS_MAX):
        while HERE not in heard:  # noqa: ASYNC110  What is tested calls a function, and that is all.
            await asyncio.sleep(0.01)


async def until_present(presence: Presence, users: Collection[UserId], workspace: WorkspaceId = HERE) -> None:
    """Return when these and nobody else are said to be there."""
    found: Present | None = None
    try:
        async with asyncio.timeout(SEEN_SECONDS_MAX):
            while found is None or set(found.users) != set(users):
                await asyncio.sleep(0.01)
                try:
                    found = (await presence.present([workspace]))[workspace]
                except SharedAway:
                    continue
    except TimeoutError:
        pytest.fail(f"{found} is not {users}.")


class PresenceContract:
    """A subclass gives `open_presence`: what one process knows of an otherwise empty world."""

    @pytest.fixture
    def open_presence(self) -> OpenPresence:
        raise NotImplementedError("The subclass says how its presence is opened.")

    @pytest.fixture
    async def presence(self, open_presence: OpenPresence) -> Presence:
        return await open_presence()

    async def test_what_a_process_says_it_knows_at_once(self, presence: Presence) -> None:
        presence.enter(HERE, ADA)
        presence.enter(HERE, BOB)
        presence.enter(ELSEWHERE, BOB)
        assert await presence.present([HERE, ELSEWHERE]) == {
            HERE: Present((ADA, BOB), 2),
            ELSEWHERE: Present((BOB,), 1),
        }
        presence.leave(HERE, ADA)
        assert await presence.present([HERE]) == {HERE: Present((BOB,), 1)}
        presence.leave(HERE, BOB)
        assert await presence.present([HERE]) == {HERE: Present((), 0)}
        assert await presence.present([]) == {}

    async def test_to_come_or_go_twice_changes_nothing(self, presence: Presence) -> None:
        for _ in range(2):
            presence.enter(HERE, ADA)
        assert (await presence.present([HERE]))[HERE] == Present((ADA,), 1)
        for _ in range(2):
            presence.leave(HERE, ADA)
        presence.leave(ELSEWHERE, BOB)
        assert (await presence.present([HERE]))[HERE].count == 0

    async def test_who_goes_and_comes_back_at_once_is_here(self, presence: Presence) -> None:
        presence.enter(HERE, ADA)
        for _ in range(50):
            presence.leave(HERE, ADA)
            presence.enter(HERE, ADA)
        assert (await presence.present([HERE]))[HERE] == Present((ADA,), 1)

    async def test_of_many_the_first_are_named_and_all_are_counted(self, presence: Presence) -> None:
        for user in USERS:
            presence.enter(HERE, user)
        found = (await presence.present([HERE]))[HERE]
        assert found == Present(tuple(USERS[:PRESENT_USERS_MAX]), len(USERS))

    async def test_who_listens_hears_of_every_change(self, presence: Presence) -> None:
        heard: list[WorkspaceId] = []
        presence.listen(heard.append)
        for change in (presence.enter, presence.leave):
            heard.clear()
            change(HERE, ADA)
            await until_heard(heard)


class SharedPresenceContract(PresenceContract):
    """For what gateways share: each call of `open_presence` is another gateway."""

    async def test_a_user_at_two_gateways_is_present_once_until_they_have_left_both(
        self, open_presence: OpenPresence
    ) -> None:
        here, there = await open_presence(), await open_presence()
        here.enter(HERE, ADA)
        await until_present(there, {ADA})
        there.enter(HERE, ADA)
        there.enter(HERE, BOB)
        await until_present(here, {ADA, BOB})
        assert (await here.present([HERE]))[HERE].count == 2
        here.leave(HERE, ADA)
        await asyncio.sleep(0.1)
        await until_present(there, {ADA, BOB})
        there.leave(HERE, ADA)
        await until_present(here, {BOB})

    async def test_a_gateway_hears_what_happens_at_another(self, open_presence: OpenPresence) -> None:
        here, there = await open_presence(), await open_presence()
        heard: list[WorkspaceId] = []
        here.listen(heard.append)
        for change in (there.enter, there.leave):
            heard.clear()
            change(HERE, EVE)
            await until_heard(heard)
