"""The write service over a log in memory, with people around it."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.ids import ProjectId, TaskId, UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.codec import Codec
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import WrongExpectedVersion
from sigdep.kernel.ids import NO_STREAM, CommandId, StreamId, Version
from sigdep.kernel.messages import Command
from sigdep.kernel.store import AnswerKey, Append, Appended, RecordedEvent, StreamSlice
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.tasks.commands.labels import CreateLabel
from sigdep.tasks.commands.projects import CreateProject
from sigdep.tasks.commands.tasks import CreateTask, EditTask, MoveTask, RestoreTask, TrashTask
from sigdep.tasks.domain.label import Label
from sigdep.tasks.domain.label_decisions import LABEL
from sigdep.tasks.domain.project import Project
from sigdep.tasks.domain.project_decisions import PROJECT
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TASK
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.queries import Side
from sigdep.tasks.write_service import TasksWrite
from tests.tasks.stories import ADA, BOB, EVE, HOME, NOON, TEAM

Asked = tuple[type[Command], dict[str, Any]]
"""A kind of command, and its fields."""


@dataclass
class Roster:
    """The port `Members`: who is in which workspace."""

    roles: dict[UserId, dict[WorkspaceId, Role]]

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        return {user_id for user_id in user_ids if workspace not in self.roles.get(user_id, {})}


@dataclass
class Shelf:
    """The port `Neighbours`, answered from every task and project of the log."""

    world: "World | None" = None

    async def task_rank(
        self, workspace: WorkspaceId, project_id: ProjectId | None, parent_id: TaskId | None, rank: str, side: Side
    ) -> str | None:
        assert self.world is not None
        ranks = [
            task.rank
            for task in (await self.world.tasks()).values()
            if (task.workspace_id, task.project_id, task.parent_id) == (workspace, project_id, parent_id)
        ]
        return nearest(ranks, rank, side)

    async def project_rank(self, workspace: WorkspaceId, rank: str, side: Side) -> str | None:
        assert self.world is not None
        states = await self.world.states("project")
        return nearest([state.rank for state in states.values() if state.workspace_id == workspace], rank, side)


def nearest(ranks: Sequence[str], rank: str, side: Side) -> str | None:
    if side == "before":
        return max((other for other in ranks if other < rank), default=None)
    return min((other for other in ranks if other > rank), default=None)


class BusyEventStore(MemoryEventStore):
    """Lets others go first, now and then: in memory alone nothing that is asked at once would ever meet."""

    def __init__(self, codec: Codec, log: MemoryLog, chance: Random) -> None:
        super().__init__(codec, log)
        self._chance = chance
        self.overtaken_by: Awaitable[Any] | None = None
        """What happens when the first append has been decided, and before it is stored."""
        self.lost_races = 0

    async def _let_others_go_first(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        await self._let_others_go_first()
        found = await super().read(stream, after=after, until=until)
        await self._let_others_go_first()
        return found

    async def append(self, append: Append) -> Appended:
        overtaken_by, self.overtaken_by = self.overtaken_by, None
        if overtaken_by is not None:
            await overtaken_by
        await self._let_others_go_first()
        try:
            appended = await super().append(append)
        except WrongExpectedVersion:
            self.lost_races += 1
            raise
        await self._let_others_go_first()
        return appended


@dataclass
class World:
    """Ada owns both workspaces. Bob is a member of the team, and Eve of nothing that is theirs."""

    roster: Roster = field(
        default_factory=lambda: Roster(
            {ADA: {HOME: "owner", TEAM: "owner"}, BOB: {TEAM: "member"}, EVE: {WorkspaceId(EVE): "owner"}}
        )
    )
    keys: MemoryKeyRing = field(default_factory=MemoryKeyRing)
    log: MemoryLog = field(default_factory=MemoryLog)
    now: datetime = NOON
    chance: Random = field(default_factory=lambda: Random(7))

    def __post_init__(self) -> None:
        self.shelf = Shelf(self)
        self.store, self.service = self.process(alone=True)

    def process(self, *, alone: bool = False) -> tuple["BusyEventStore", TasksWrite]:
        """Another process on the same log."""
        store = BusyEventStore(Codec(EVENTS, self.keys), self.log, self.chance)
        return store, TasksWrite(store, members=self.roster, neighbours=self.shelf, alone=alone)

    def call(self, by: UserId = ADA, **fields: Any) -> Call:
        self.now += timedelta(milliseconds=1)
        personal = HOME if by == ADA else WorkspaceId(by)
        principal = Principal(user_id=by, personal_workspace_id=personal, roles=self.roster.roles[by])
        return Call(asked_at=self.now, command_id=CommandId(uuid7()), principal=principal, **fields)

    async def ask(
        self,
        kind: type[Command],
        *,
        by: UserId = ADA,
        service: TasksWrite | None = None,
        call: Any = None,
        **fields: Any,
    ) -> Answer[Any]:
        """Ask the service as a person does. `call`: fields of the call, as `if_match`."""
        made = self.call(by, **(call or {}))
        command: Any = kind
        return await (service or self.service).ask(command(by=by, at=made.asked_at, **fields), made)

    async def overtaken(self, slow: Asked, fast: Asked) -> Any:
        """What the slow command leads to, when the fast one is stored after it was decided and before it is stored."""
        store, service = self.process()
        kind, fields = fast
        store.overtaken_by = self.ask(kind, service=self.process()[1], **fields)
        kind, fields = slow
        return await self.ask(kind, service=service, **fields)

    async def create(self, title: str = "Buy milk", **fields: Any) -> Task:
        task: Task = (await self.ask(CreateTask, title=title, **fields)).value
        return task

    async def edit(self, task: Task, **fields: Any) -> Task:
        edited: Task = (await self.ask(EditTask, task_id=task.id, **fields)).value
        return edited

    async def move(self, task: Task, **fields: Any) -> Task:
        moved: Task = (await self.ask(MoveTask, task_id=task.id, **fields)).value
        return moved

    async def trash(self, task: Task) -> Task:
        trashed: Task = (await self.ask(TrashTask, task_id=task.id)).value
        return trashed

    async def restore(self, task: Task) -> Task:
        restored: Task = (await self.ask(RestoreTask, task_id=task.id)).value
        return restored

    async def project(self, name: str = "House", **fields: Any) -> Project:
        project: Project = (await self.ask(CreateProject, name=name, **fields)).value
        return project

    async def label(self, name: str = "errand", **fields: Any) -> Label:
        label: Label = (await self.ask(CreateLabel, name=name, **fields)).value
        return label

    async def events(self) -> list[RecordedEvent]:
        """All that is in the log, partition by partition."""
        found: list[RecordedEvent] = []
        for stream in list(self.log.streams):
            found += (await self.store.read(stream)).events
        return sorted(found, key=lambda recorded: (recorded.partition, recorded.position))

    async def states(self, category: str) -> dict[UUID, Any]:
        """Every aggregate of a category, folded anew from the log."""
        deciders: dict[str, Decider[Any, Any]] = {"task": TASK, "project": PROJECT, "label": LABEL}
        decider = deciders[category]
        folded: dict[UUID, Any] = {}
        for recorded in await self.events():
            kind, _, identity = recorded.stream.partition("-")
            if kind == category:
                state = folded.get(UUID(identity), decider.initial)
                folded[UUID(identity)] = decider.fold(state, [recorded.event])
        return folded

    async def tasks(self) -> dict[UUID, Task]:
        return await self.states("task")

    async def task(self, task: Task) -> Task:
        return (await self.tasks())[task.id]

    def size(self) -> int:
        """Events in the log."""
        return sum(len(partition.rows) for partition in self.log.partitions.values())


def answer_key(key: str, what: str, by: UserId = ADA) -> AnswerKey:
    return AnswerKey(caller=by, key=key, fingerprint=sha256(what.encode()).digest())


def if_match(version: int) -> dict[str, Any]:
    return {"if_match": Version(version)}


def without_version(task: Task) -> Task:
    """What a task says, apart from how often it has changed."""
    return replace(task, version=0, updated_at=task.created_at)
