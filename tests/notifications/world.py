"""Both services over a log in memory, with people around them and a projector that moves when it is told to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, Position, Positions
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import RecordedEvent
from sigdep.notifications.commands.inbox import TellPeople
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.events.stored import EVENTS
from sigdep.notifications.queries.inbox import ListNotifications
from sigdep.notifications.read_models.model import NotificationsReadModel
from sigdep.notifications.read_service.service import NotificationsRead
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.unsubscribing import UnsubscribeTokens
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import begin
from tests.notifications.stories import ADA, BOB, EVE, HOME, KEY, NOON, TEAM

Roles = dict[UserId, dict[WorkspaceId, Role]]


def first_roles() -> Roles:
    """Ada owns both workspaces. Bob is a member of the team, and Eve of nothing that is theirs."""
    return {
        ADA: {HOME: "owner", TEAM: "owner"},
        BOB: {TEAM: "member", WorkspaceId(BOB): "owner"},
        EVE: {WorkspaceId(EVE): "owner"},
    }


@dataclass
class World:
    """It is its own projector's progress, and knows who belongs where."""

    store: ReadStore
    roles: Roles = field(default_factory=first_roles)
    keys: MemoryKeyRing = field(default_factory=MemoryKeyRing)
    log: MemoryLog = field(default_factory=MemoryLog)
    now: datetime = NOON
    sources: Mapping[str, Source] = field(default_factory=dict)
    """What webhooks are told."""

    def __post_init__(self) -> None:
        self.events_store = MemoryEventStore(Codec(EVENTS, self.keys), self.log)
        self.model = NotificationsReadModel()
        self.build: Build | None = None
        self.read = NotificationsRead(self.store, self.events_store, self, lambda: "BKey")
        self.write = self.process(alone=True)

    def process(self, *, alone: bool = False) -> NotificationsWrite:
        """Another process on the same log."""
        return NotificationsWrite(
            self.events_store,
            members=self,
            read=self.read,
            sources=self.sources,
            url_objection=lambda url: None if url.startswith("http") else "An address begins with https://.",
            tokens=UnsubscribeTokens(bytes(32)),
            alone=alone,
        )

    async def start(self) -> "World":
        self.build = await begin(self.events_store, self.store, self.model)
        await self.store.switch(self.build.model, tables_of(self.model))
        return self

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        return {user for user in user_ids if workspace not in self.roles.get(user, {})}

    # ── projecting ────────────────────────────────────────────────────────────────────────────────────

    async def project(self, batch_events: int = 1_000) -> None:
        assert self.build is not None
        while batch := await self.events_store.read_all(self.build.positions, limit=batch_events):
            await self.build.apply(batch)

    @property
    def model_id(self) -> ModelId:
        assert self.build is not None
        return self.build.model

    @property
    def positions(self) -> Positions:
        assert self.build is not None
        return self.build.positions

    async def wait_for(self, partition: Partition, position: Position) -> None:
        await self.project()
        assert self.positions.get(partition, 0) >= position

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────

    def call(self, by: UserId | None = BOB, **fields: Any) -> Call:
        """`by` None: a service asks by itself."""
        self.now += timedelta(milliseconds=1)
        principal = None
        if by is not None:
            personal = HOME if by == ADA else WorkspaceId(by)
            principal = Principal(
                user_id=by, personal_workspace_id=personal, roles=self.roles[by], time_zone="Europe/Berlin"
            )
        call = Call(asked_at=self.now, command_id=CommandId(uuid7()), principal=principal)
        return replace(call, **fields)

    async def ask(self, message: Command | Query, by: UserId | None = BOB, **fields: Any) -> Answer[Any]:
        service = self.write if isinstance(message, Command) else self.read
        return await service.ask(message, self.call(by, **fields))

    async def tell(self, *recipients: UserId, key: str = KEY, title: str = "Buy milk", **fields: Any) -> None:
        content: dict[str, Any] = {
            "workspace_id": TEAM,
            "kind": "task.assigned",
            "by": ADA,
            "occurred_at": self.now,
        } | fields
        command = TellPeople(recipients=recipients or (BOB,), key=key, title=title, at=self.now, **content)
        await self.ask(command, None)

    async def inbox(self, by: UserId = BOB, **query: Any) -> list[Notification]:
        """All pages of it, as far as the log has come."""
        await self.project()
        found: list[Notification] = []
        asked = ListNotifications(**query)
        while True:
            page = (await self.ask(asked, by)).value
            found += page.items
            if page.next_cursor is None:
                return found
            asked = replace(asked, cursor=page.next_cursor)

    async def events(self) -> list[RecordedEvent]:
        """All that is in the log, partition by partition."""
        found: list[RecordedEvent] = []
        for stream in list(self.log.streams):
            found += (await self.events_store.read(stream)).events
        return sorted(found, key=lambda recorded: (recorded.partition, recorded.position))

    async def types(self) -> list[str]:
        return sorted(recorded.type for recorded in await self.events())
