"""The contract suites of notices that something is revoked: every promise of `http/revocations.py`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId
from sigdep.http.revocations import Revocations, Suspects

OpenRevocations = Callable[[], Awaitable[Revocations]]

ADA: Final = UserId(UUID(int=1))
BOB: Final = UserId(UUID(int=2))
MANY: Final = [UserId(UUID(int=number)) for number in range(1_000)]

HEARD_SECONDS_MAX: Final = 20.0


class Ear:
    """What one process has heard."""

    def __init__(self, revocations: Revocations) -> None:
        self.users: set[UserId] = set()
        self.everybody = 0
        revocations.listen(self._hear)

    def _hear(self, suspects: Suspects) -> None:
        if suspects is None:
            self.everybody += 1
        else:
            self.users.update(suspects)

    async def until(self, heard: Callable[["Ear"], bool]) -> None:
        async with asyncio.timeout(HEARD_SECONDS_MAX):
            while not heard(self):  # noqa: ASYNC110  What is tested calls a function, and that is all.
                await asyncio.sleep(0.005)


class RevocationsContract:
    """A subclass gives `open_revocations`, each time that of another process where they are shared."""

    @pytest.fixture
    def open_revocations(self) -> OpenRevocations:
        raise NotImplementedError("The subclass says how they are opened.")

    async def test_a_process_hears_itself_at_once(self, open_revocations: OpenRevocations) -> None:
        revocations = await open_revocations()
        ears = [Ear(revocations) for _ in range(2)]
        revocations.tell({ADA})
        assert [ear.users for ear in ears] == [{ADA}, {ADA}]
        revocations.tell(None)
        assert [ear.everybody for ear in ears] == [1, 1]


class SharedRevocationsContract(RevocationsContract):
    async def test_every_process_hears_every_notice(self, open_revocations: OpenRevocations) -> None:
        tells, *listen = [await open_revocations() for _ in range(3)]
        ears = [Ear(revocations) for revocations in listen]
        tells.tell({ADA})
        tells.tell({BOB, ADA})
        for ear in ears:
            await ear.until(lambda ear: ear.users == {ADA, BOB})
            assert not ear.everybody
        tells.tell(None)
        for ear in ears:
            await ear.until(lambda ear: ear.everybody > 0)

    async def test_many_at_once_are_all_heard(self, open_revocations: OpenRevocations) -> None:
        tells, listens = await open_revocations(), await open_revocations()
        ear = Ear(listens)
        for user in MANY:
            tells.tell({user})
        await ear.until(lambda ear: ear.users == set(MANY) or ear.everybody > 0)
