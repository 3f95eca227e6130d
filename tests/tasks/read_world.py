"""A log, a read store and the service between them, with a projector that moves when it is told to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.ids import LabelId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, Position, Positions, StreamId, SubjectId, Version
from sigdep.kernel.messages import Event, Query
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import Append, Appended, EventStore, Metadata, StreamWrite
from sigdep.rpc.call import Answer, Call, Principal, WorkspacePosition
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import begin, fill
from sigdep.tasks.domain.task import ABSENT, Task, evolve
from sigdep.tasks.events.labels import LabelCreated
from sigdep.tasks.events.projects import ProjectCreated
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited
from sigdep.tasks.read_models.model import TasksReadModel
from sigdep.tasks.read_models.task_model import is_task_event
from sigdep.tasks.read_service import TasksRead
from tests.tasks.filters import ME, NOW, WORKSPACE

BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)


class World:
    """Everything that the service stands on. It is its own projector's progress."""

    def __init__(self, store: ReadStore, log: EventStore | None = None) -> None:
        self.keys = MemoryKeyRing()
        self.log = log or MemoryEventStore(Codec(EVENTS, self.keys))
        self.store = store
        self.model = TasksReadModel()
        self.build: Build | None = None
        self.read = TasksRead(store, self.log, self)
        self.versions: dict[StreamId, int] = {}
        self.tasks: dict[TaskId, Task] = {}
        """The truth: every task folded from its events."""
        self.clock = BEGINNING
        self._commands = 0
        self._ids = 1_000

    # ── what has happened ─────────────────────────────────────────────────────────────────────────────

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=(1 << 64) + self._ids)

    def tick(self) -> datetime:
        self.clock += timedelta(minutes=1)
        return self.clock

    async def append(
        self,
        *events: Event,
        workspace: WorkspaceId = WORKSPACE,
        by: UserId = ME,
        subject: SubjectId | None = None,
    ) -> Appended:
        """One append of several streams, in the order of the events. Keeps the truth."""
        grouped: dict[StreamId, list[Event]] = {}
        for event in events:
            grouped.setdefault(stream_of(event), []).append(event)
        self._commands += 1
        writes = tuple(
            StreamWrite(
                stream=stream,
                subject=subject or SubjectId(workspace),
                expected_version=Version(self.versions.get(stream, 0)),
                events=tuple(several),
            )
            for stream, several in grouped.items()
        )
        appended = await self.log.append(
            Append(
                workspace=workspace,
                command_id=CommandId(UUID(int=(2 << 64) + self._commands)),
                writes=writes,
                metadata=Metadata(actor=by, client="session", request="r-1"),
            )
        )
        numbers = iter(appended.numbers)
        for stream, several in grouped.items():
            self.versions[stream] = self.versions.get(stream, 0) + len(several)
            for event in several:
                self._take(msgspec.structs.replace(event, number=next(numbers)) if event.numbered else event)
        return appended

    def _take(self, event: Event) -> None:
        if is_task_event(event):
            self.tasks[event.task_id] = evolve(self.tasks.get(event.task_id, ABSENT), event)

    async def task(self, title: str = "A task", workspace: WorkspaceId = WORKSPACE, **fields: Any) -> TaskId:
        task = TaskId(self.new_id())
        at = self.tick()
        created = TaskCreated(
            task_id=task, workspace_id=workspace, title=title, rank=fields.pop("rank", "a"), by=ME, at=at, **fields
        )
        await self.append(created, workspace=workspace)
        return task

    async def edit(self, task: TaskId, **fields: Any) -> Appended:
        workspace = self.tasks[task].workspace_id
        return await self.append(TaskEdited(task_id=task, by=ME, at=self.tick(), **fields), workspace=workspace)

    async def happen(self, kind: Any, task: TaskId, **fields: Any) -> Appended:
        workspace = self.tasks[task].workspace_id
        return await self.append(kind(task_id=task, by=ME, at=self.tick(), **fields), workspace=workspace)

    async def project_named(self, name: str, workspace: WorkspaceId = WORKSPACE, rank: str = "a") -> ProjectId:
        project = ProjectId(self.new_id())
        await self.append(
            ProjectCreated(project_id=project, workspace_id=workspace, name=name, rank=rank, by=ME, at=self.tick()),
            workspace=workspace,
        )
        return project

    async def label(self, name: str, workspace: WorkspaceId = WORKSPACE) -> LabelId:
        label = LabelId(self.new_id())
        await self.append(
            LabelCreated(label_id=label, workspace_id=workspace, name=name, by=ME, at=self.tick()), workspace=workspace
        )
        return label

    # ── projecting ────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> "World":
        self.build = await begin(self.log, self.store, self.model)
        await self.store.switch(self.build.model, tables_of(self.model))
        return self

    async def project(self, batch_events: int = 1_000) -> None:
        """Bring the read model up to the log, in batches of a size."""
        assert self.build is not None
        while batch := await self.log.read_all(self.build.positions, limit=batch_events):
            await self.build.apply(batch)

    async def rebuild(self, batch_events: int | None = None) -> None:
        """Make it anew with another model's memory, and switch to it."""
        self.model = TasksReadModel()
        build = await begin(self.log, self.store, self.model)
        if batch_events is None:
            await fill(build, self.log)
        else:
            while batch := await self.log.read_all(build.positions, limit=batch_events):
                await build.apply(batch)
        await self.store.switch(build.model, tables_of(self.model))
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

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, query: Query, **options: Any) -> Answer[Any]:
        return await self.read.ask(query, call(**options))

    async def items(self, query: Query, **options: Any) -> list[dict[str, Any]]:
        """What one page shows."""
        answer = await self.ask(query, **options)
        found: list[dict[str, Any]] = msgspec.json.decode(answer.value.json)["items"]
        return found

    async def titles(self, query: Query, **options: Any) -> list[str]:
        return [item["title"] for item in await self.items(query, **options)]


def call(
    user: UserId = ME,
    role: Role | None = "viewer",
    workspace: WorkspaceId = WORKSPACE,
    now: datetime = NOW,
    time_zone: str = "UTC",
    min_position: WorkspacePosition | None = None,
) -> Call:
    return Call(
        asked_at=now,
        command_id=CommandId(UUID(int=7)),
        principal=Principal(
            user_id=user,
            personal_workspace_id=workspace,
            roles={workspace: role} if role else {},
            time_zone=time_zone,
        ),
        min_position=min_position,
    )


def stream_of(event: Event) -> StreamId:
    for field, category in (("task_id", "task"), ("project_id", "project"), ("label_id", "label")):
        identity = getattr(event, field, None)
        if identity is not None:
            return StreamId(f"{category}-{identity}")
    return StreamId(f"workspace-{event.workspace_id}")  # type: ignore[attr-defined]  # WorkspaceForgotten.


async def pages(world: World, query: Any, **options: Any) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found = []
    while True:
        answer = await world.ask(query, **options)
        page = msgspec.json.decode(answer.value.json)
        found.append(page["items"])
        if page["next_cursor"] is None:
            return found
        query = msgspec.structs.replace(query, cursor=page["next_cursor"])


async def all_items(world: World, query: Any, **options: Any) -> list[dict[str, Any]]:
    """What all pages show."""
    return [item for page in await pages(world, query, **options) for item in page]
