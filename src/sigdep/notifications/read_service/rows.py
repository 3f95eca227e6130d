"""Rows of the context's read model, and what an answer from them reflects."""

from collections.abc import Collection, Mapping
from typing import Final, TypeVar

import msgspec

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import Position, partition_of
from sigdep.kernel.messages import State
from sigdep.kernel.read_store import Key, Page, ReadStore, Row, Select, Table
from sigdep.notifications.domain.notification import Notification
from sigdep.reading.progress import Progress
from sigdep.rpc.call import WorkspacePosition

CONTEXT: Final = "notifications"

S = TypeVar("S", bound=State)


class Rows:
    def __init__(self, store: ReadStore, progress: Progress) -> None:
        self._store = store
        self._progress = progress

    async def get(self, table: Table, key: Key) -> Row | None:
        return await self._store.get(self._progress.model_id, table, key)

    async def get_many(self, table: Table, keys: Collection[Key], columns: tuple[str, ...]) -> Mapping[Key, Row]:
        return await self._store.get_many(self._progress.model_id, table, keys, columns)

    async def select(self, select: Select) -> Page:
        return await self._store.select(self._progress.model_id, select)

    def reflected(self, place: WorkspaceId | UserId) -> WorkspacePosition:
        """How far an answer that begins now has come, where a workspace or a person stands."""
        partition = partition_of(WorkspaceId(place))
        return WorkspacePosition(CONTEXT, partition, self._progress.positions.get(partition, Position(0)))


def state_in(row: Row, state: type[S]) -> S:
    document = row["document"]
    assert isinstance(document, bytes)
    return msgspec.json.decode(document, type=state)


def notification_in(row: Row) -> Notification:
    return state_in(row, Notification)
