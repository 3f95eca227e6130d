"""Both services over a log and a read store, with people around them, and a projector that moves when it is told to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.calendar.commands import ScheduleAppointment
from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.events.stored import EVENTS
from sigdep.calendar.read_models.model import CalendarReadModel
from sigdep.calendar.read_service import CalendarRead
from sigdep.calendar.write_service import CalendarWrite
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, Position, Positions
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import RecordedEvent
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import begin, fill
from tests.calendar.stories import ADA, BOB, CY, EVE, HOME, NOON, TEAM

ROLES: dict[UserId, dict[WorkspaceId, Role]] = {
    ADA: {HOME: "owner", TEAM: "owner"},
    BOB: {TEAM: "member"},
    CY: {TEAM: "viewer"},
    EVE: {WorkspaceId(EVE): "owner"},
}
"""Ada owns both workspaces. Bob is a member of the team, Cy may look, and Eve belongs to nothing that is theirs."""


@dataclass
class Roster:
    """The port `Members`: who is in which workspace."""

    roles: dict[UserId, dict[WorkspaceId, Role]]

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        return {user_id for user_id in user_ids if workspace not in self.roles.get(user_id, {})}


class World:
    """It is its own projector's progress."""

    def __init__(self, views: ReadStore | None = None) -> None:
        self.keys = MemoryKeyRing()
        self.log = MemoryLog()
        self.store = MemoryEventStore(Codec(EVENTS, self.keys), self.log)
        self.views = views or MemoryReadStore()
        self.write = CalendarWrite(self.store, members=Roster(ROLES), alone=True)
        self.read = CalendarRead(self.views, self.store, self)
        self.model = CalendarReadModel()
        self.build: Build | None = None
        self.now: datetime = NOON

    async def start(self) -> "World":
        self.build = await begin(self.store, self.views, self.model)
        await self.views.switch(self.build.model, tables_of(self.model))
        return self

    async def project(self, batch_events: int = 1_000) -> None:
        """Bring the read model up to the log, in batches of a size."""
        assert self.build is not None
        while batch := await self.store.read_all(self.build.positions, limit=batch_events):
            await self.build.apply(batch)

    async def rebuild(self) -> None:
        """Make it anew, and switch to it."""
        self.model = CalendarReadModel()
        build = await begin(self.store, self.views, self.model)
        await fill(build, self.store)
        await self.views.switch(build.model, tables_of(self.model))
        self.build = build

    @property
    def model_id(self) -> ModelId:
        assert self.build is not None
        return self.build.model

    @property
    def positions(self) -> Positions:
        assert self.build is not None
        return self.build.positions

    async def wait_for(self, partition: Partition, position: Position) -> None:
        """What is waited for is projected."""
        await self.project()
        assert self.positions.get(partition, 0) >= position

    def call(self, by: UserId | None = ADA, time_zone: str = "UTC", **fields: Any) -> Call:
        self.now += timedelta(milliseconds=1)
        principal = None
        if by is not None:
            principal = Principal(
                user_id=by,
                personal_workspace_id=HOME if by == ADA else WorkspaceId(by),
                roles=ROLES[by],
                time_zone=time_zone,
            )
        return Call(asked_at=self.now, command_id=CommandId(uuid7()), principal=principal, **fields)

    async def ask(self, kind: type[Command], *, by: UserId = ADA, call: Any = None, **fields: Any) -> Answer[Any]:
        """Ask the writing side as a person does. `call`: fields of the call, as `if_match`."""
        made = self.call(by, **(call or {}))
        command: Any = kind
        return await self.write.ask(command(by=by, at=made.asked_at, **fields), made)

    async def schedule(self, **fields: Any) -> Appointment:
        """A daily series at nine in Berlin, unless it is said otherwise."""
        content: dict[str, Any] = {
            "title": "Stand-up",
            "start": "2026-12-01T09:00",
            "end": "2026-12-01T09:15",
            "time_zone": "Europe/Berlin",
        }
        answer: Answer[Appointment] = await self.ask(ScheduleAppointment, **(content | fields))
        return answer.value

    async def query(self, query: Query, *, by: UserId | None = ADA, time_zone: str = "UTC") -> Any:
        """What the reading side answers, once it has seen everything."""
        await self.project()
        answer = await self.read.ask(query, self.call(by, time_zone))
        return msgspec.json.decode(answer.value.json) if hasattr(answer.value, "json") else answer.value

    async def items(self, query: Any, **options: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.query(query, **options)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query = msgspec.structs.replace(query, cursor=page["next_cursor"])

    async def events(self) -> list[RecordedEvent]:
        """All that is in the log, partition by partition."""
        found: list[RecordedEvent] = []
        for stream in list(self.log.streams):
            found += (await self.store.read(stream)).events
        return sorted(found, key=lambda recorded: (recorded.partition, recorded.position))

    async def appointments(self) -> dict[UUID, Appointment]:
        """Every appointment, folded anew from the log."""
        folded: dict[UUID, Appointment] = {}
        for recorded in await self.events():
            kind, _, identity = recorded.stream.partition("-")
            if kind == "appointment" and recorded.event is not None:
                event: Any = recorded.event
                folded[UUID(identity)] = evolve(folded.get(UUID(identity), ABSENT), event)
        return folded
