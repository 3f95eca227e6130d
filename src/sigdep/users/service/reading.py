"""The read model, as the services of this context look at it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.ids import Position, partition_of
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Compare, Condition, Key, Page, ReadStore, Row, Select, Table
from sigdep.kernel.store import EventLog
from sigdep.reading.progress import Progress
from sigdep.rpc.call import MEMBERSHIPS_MAX, Call, WorkspacePosition
from sigdep.users.domain.realm import REALM
from sigdep.users.read_models.workspaces import MEMBERSHIPS

CONTEXT: Final = "users"


class Reads:
    """Rows of the present, as far as they have been projected."""

    def __init__(self, log: EventLog, store: ReadStore, progress: Progress) -> None:
        self.log = log
        self.store = store
        self.progress = progress

    async def wait_until_caught_up(self) -> None:
        """Return once reads reflect all that has been stored so far.

        Raises:
            Unavailable: they do not within the time that a client waits.
        """
        heads = await self.log.heads()
        await asyncio.gather(*(self.progress.wait_for(partition, position) for partition, position in heads.items()))

    async def begin(self, call: Call, partition: WorkspaceId = REALM) -> WorkspacePosition:
        """Wait for what the caller must see. Returns what a read from now on reflects, at the least."""
        least = call.least(CONTEXT, partition_of(REALM))
        if least is not None:
            await self.progress.wait_for(least.partition, least.position)
        number = partition_of(partition)
        return WorkspacePosition(CONTEXT, number, self.progress.positions.get(number, Position(0)))

    async def get(self, table: Table, key: Key) -> Row | None:
        return await self.store.get(self.progress.model_id, table, key)

    async def find(self, table: Table, key: Key) -> Row | None:
        """A row that may only just have been written: not to be there is said when reads have caught up."""
        row = await self.get(table, key)
        if row is None:
            await self.wait_until_caught_up()
            row = await self.get(table, key)
        return row

    async def get_many(self, table: Table, keys: Collection[Key]) -> Mapping[Key, Row]:
        return await self.store.get_many(self.progress.model_id, table, keys)

    async def select(self, select: Select) -> Page:
        return await self.store.select(self.progress.model_id, select)

    async def pages(self, select: Select) -> AsyncIterator[Sequence[Row]]:
        """All rows, in pages of as many as there may be."""
        select = replace(select, limit=PAGE_ROWS_MAX)
        page = await self.select(select)
        yield page.rows
        while page.next is not None:  # Each page follows the one before.
            page = await self.select(replace(select, after=page.next))
            yield page.rows

    async def count(self, table: Table, where: Condition) -> int:
        return await self.store.count(self.progress.model_id, table, where)

    async def roles_of(self, user_id: UserId) -> Mapping[WorkspaceId, Role]:
        """In every workspace that they are a member of."""
        mine = Select(table=MEMBERSHIPS, where=Compare("user_id", "=", user_id), limit=MEMBERSHIPS_MAX)
        rows = (await self.select(mine)).rows
        return {row["workspace_id"]: row["role"] for row in rows}  # type: ignore[misc]  # By their columns' kinds.
