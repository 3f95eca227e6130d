"""What another context tells, from memory: as much as a test has put there."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from datetime import datetime

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import WorkspaceId
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch
from sigdep.kernel.ids import Position, Positions, partition_of
from tests.notifications.stories import NOON, TEAM

BATCH_EVENTS = 40


class Told:
    """A PublicLog of one partition."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []

    def add(
        self,
        kind: str = "TaskCreated",
        *,
        workspace: WorkspaceId = TEAM,
        recipient: str | None = None,
        at: datetime = NOON,
        title: str = "Buy milk",
    ) -> CloudEvent:
        partition, position = partition_of(TEAM), len(self.events) + 1
        event = CloudEvent(
            id=f"{partition}-{position}",
            source="/contexts/tasks",
            type=f"sigdep.tasks.{kind}",
            time=at,
            subject="task-1",
            data={"title": title},
            workspaceid=workspace,
            recipientid=recipient,
        )
        self.events.append(event)
        return event

    async def heads(self) -> Positions:
        return {partition_of(TEAM): Position(len(self.events))}

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        place = after.get(partition_of(TEAM), Position(0))
        while batch := self.events[place : place + BATCH_EVENTS]:
            place = Position(place + len(batch))
            yield PublicBatch(events=batch, reached={partition_of(TEAM): place})
        await asyncio.Event().wait()
