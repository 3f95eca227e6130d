"""Keys from a backup that is older than an erasure are destroyed again by the first run after the restore."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import SubjectId
from sigdep.rpc.call import Principal
from sigdep.users.commands.requests import ChangeAccount, EraseAccount, EraseWorkspace, Invite
from sigdep.users.commands.workspaces import RevokeInvitation
from sigdep.users.queries import GetProfile
from tests.users.world import GRACE, World, open_world_on_disk, open_world_on_postgresql

SECRET = "uillfeather"


@dataclass
class Installation:
    """What can be opened again and again, and whose keys can be taken back to how they once were."""

    open: Callable[[], AbstractAsyncContextManager[World]]
    run: Callable[[str], Any]
    """A statement on the key ring."""
    table: str

    async def save_keys(self) -> None:
        await self.run(f"CREATE TABLE saved AS SELECT * FROM {self.table}")

    async def bring_back_keys(self) -> None:
        """As if the ring had been restored."""
        await self.run(f"DELETE FROM {self.table}")
        await self.run(f"INSERT INTO {self.table} SELECT * FROM saved")


async def run_due(world: World) -> Any:
    await world.caught_up()
    report = await world.users.writing.erasures.run_due(world.clock.at)
    assert report.failed == []
    await world.caught_up()
    return report


async def everything_readable(world: World) -> str:
    return repr(await world.store.read_all({}, limit=100_000))


async def fill_and_erase(world: World, installation: Installation) -> tuple[Principal, set[SubjectId]]:
    """Ada stays. A person, a workspace with an invitation that is over and one that is not, and an address go.

    The keys are saved before.
    """
    ada, zeb = await world.enter("Ada"), await world.enter(f"q{SECRET}")
    await world.write(ChangeAccount(name="Zebediah Quillfeather"), zeb)
    kept, _ = await world.team(ada)
    place, _ = await world.team(ada)
    invitations = [
        await world.write(Invite(workspace_id=where, email=f"q{SECRET}.{n}@example.com", role="viewer"), ada)
        for n, where in enumerate((kept, place, place))
    ]
    await installation.save_keys()
    for where, invitation in zip((kept, place), invitations, strict=False):
        await world.write(
            RevokeInvitation(workspace_id=where, invitation_id=invitation.id, by=ada.user_id, at=world.clock.at), ada
        )
    await run_due(world)
    await world.write(EraseAccount(), zeb)
    await world.write(EraseWorkspace(workspace_id=place), ada)
    world.clock.at += GRACE
    await run_due(world)
    gone = {zeb.user_id, zeb.personal_workspace_id, place, *(invitation.id for invitation in invitations)}
    return ada, {SubjectId(one) for one in gone}


@asynccontextmanager
async def restored(installation: Installation) -> AsyncIterator[tuple[World, Principal, set[SubjectId]]]:
    """Open again after the keys have come back: everything that was erased is readable."""
    async with AsyncExitStack() as stack:
        async with installation.open() as world:
            ada, gone = await fill_and_erase(world, installation)
            assert SECRET not in await everything_readable(world)
        await installation.bring_back_keys()
        again = await stack.enter_async_context(installation.open())
        assert SECRET in await everything_readable(again)
        assert (await again.keys.find(gone)).keys() == gone
        yield again, ada, gone


class ReturnedKeys:
    async def test_the_first_run_destroys_them_and_nobody_elses(self, installation: Installation) -> None:
        async with restored(installation) as (world, ada, gone):
            assert (await run_due(world)).again == len(gone)
            assert await world.keys.find(gone) == {}
            assert SECRET not in await everything_readable(world)
            assert (await world.read(GetProfile(), ada)).name == "Ada"
            assert (await run_due(world)).again == 0

    async def test_a_run_that_fails_half_way_is_made_up_for(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with restored(installation) as (world, _, gone):
            await world.caught_up()
            for at_call in range(1, len(gone) + 1):
                calls = 0
                destroy = world.keys.destroy

                async def failing(subject: SubjectId, last: int = at_call, destroy: Any = destroy) -> None:
                    nonlocal calls
                    calls += 1
                    if calls == last:
                        raise Unavailable("The ring is away.")
                    await destroy(subject)

                with monkeypatch.context() as patch:
                    patch.setattr(world.keys, "destroy", failing)
                    await world.users.writing.erasures.run_due(world.clock.at)
            await run_due(world)
            assert await world.keys.find(gone) == {}


class TestInFiles(ReturnedKeys):
    @pytest.fixture
    def installation(self, tmp_path: Path) -> Installation:
        async def change(statement: str) -> None:
            with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as connection:
                connection.execute(statement)

        return Installation(lambda: open_world_on_disk(tmp_path), change, "subject_key")


class TestOnPostgreSQL(ReturnedKeys):
    @pytest.fixture
    def installation(self, postgresql_dsn: str) -> Installation:
        async def change(statement: str) -> None:
            connection = await asyncpg.connect(postgresql_dsn)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        return Installation(lambda: open_world_on_postgresql(postgresql_dsn), change, "keys.subject_key")
