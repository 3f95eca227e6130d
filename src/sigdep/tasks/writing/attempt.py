"""One attempt at one command: everything that carrying it out may look at or change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, TypeVar
from uuid import UUID

from sigdep.contracts.ids import CommentId, ProjectId, TaskId, WorkspaceId
from sigdep.kernel.errors import Refused
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import APPEND_EVENTS_MAX, EventStore
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Call
from sigdep.tasks.domain.comment import Comment
from sigdep.tasks.domain.label import Label
from sigdep.tasks.domain.label_decisions import LABEL
from sigdep.tasks.domain.label_name import LABEL_NAME, LabelName
from sigdep.tasks.domain.project import Project
from sigdep.tasks.domain.project_decisions import PROJECT
from sigdep.tasks.domain.subtasks import SUBTASKS, Subtasks
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TASK
from sigdep.tasks.domain.workspace import WORKSPACE, Workspace
from sigdep.tasks.queries import Side
from sigdep.writing.members import Members

S = TypeVar("S", bound=State)


class TooManyChanges(Refused):
    """More events than one append takes."""


class Neighbours(Protocol):
    """The ranks beside a rank, as far as the read side has come. What it has not seen yet costs a tie, nothing more."""

    async def task_rank(
        self, workspace: WorkspaceId, project_id: ProjectId | None, parent_id: TaskId | None, rank: str, side: Side
    ) -> str | None:
        """The nearest rank on that side among the tasks of one project (or none) below one task (or none).

        None: there is nothing on that side. Tasks in the trash do not count.
        """
        ...

    async def project_rank(self, workspace: WorkspaceId, rank: str, side: Side) -> str | None:
        """The nearest rank on that side among the workspace's projects."""
        ...


class Surroundings:
    """The aggregates of this context, and what it asks of others."""

    def __init__(self, store: EventStore, *, members: Members, neighbours: Neighbours, alone: bool) -> None:
        self.store = store
        self.members = members
        self.neighbours = neighbours
        self.tasks: Repository[Task] = Repository(store, TASK, alone=alone)
        self.subtasks: Repository[Subtasks] = Repository(store, SUBTASKS, alone=alone)
        self.projects: Repository[Project] = Repository(store, PROJECT, alone=alone)
        self.labels: Repository[Label] = Repository(store, LABEL, alone=alone)
        self.label_names: Repository[LabelName] = Repository(store, LABEL_NAME, alone=alone)
        self.workspaces: Repository[Workspace] = Repository(store, WORKSPACE, alone=alone)

    @property
    def repositories(self) -> tuple[Repository[State], ...]:
        return (  # type: ignore[return-value]  # To run commands, it does not matter what they are about.
            self.tasks,
            self.subtasks,
            self.projects,
            self.labels,
            self.label_names,
            self.workspaces,
        )


@dataclass(slots=True)
class Attempt:
    """Made anew for every attempt, so that it may remember what it has done."""

    around: Surroundings
    unit: UnitOfWork
    call: Call
    made: int = 0
    """Ids that it has made."""
    ranks: list[str] = field(default_factory=list)
    """Ranks that it has given out, which no read model knows yet."""
    comment_ids: set[CommentId] = field(default_factory=set)
    """Comments that it has written."""
    comment: Comment | None = None
    """The comment that the command is about, as it is after it."""
    repeated: bool = False
    """True: what was to be created had been created by the same request before."""

    @property
    def workspace(self) -> WorkspaceId:
        return self.unit.workspace

    def make_id(self) -> UUID:
        """An id for something new: the command's own, then others with its time (UUIDv7, RFC 9562 §5.7).

        The same in every attempt, and in every retry of the command.
        """
        own = self.call.command_id
        index, self.made = self.made, self.made + 1
        if index == 0:
            return own
        random = int.from_bytes(sha256(own.bytes + index.to_bytes(4, "big")).digest()[:8], "big")
        return UUID(int=own.int >> 64 << 64 | 0b10 << 62 | random >> 2)

    def match(self, repository: Repository[S], identity: UUID, version: int) -> None:
        """
        Raises:
            Stale: the caller's If-Match names another version.
        """
        if self.call.if_match is not None:
            self.call.match(repository.decider.stream(identity), Version(version))

    def record(self, repository: Repository[S], identity: UUID, events: Iterable[Event]) -> S:
        """Sealed with the workspace's key: erasing the workspace erases them."""
        return self.unit.record(repository, identity, SubjectId(self.workspace), events)

    def check_size(self) -> None:
        """
        Raises:
            TooManyChanges: it would not fit into one append.
        """
        if sum(len(write.events) for write in self.unit.writes()) > APPEND_EVENTS_MAX:
            raise TooManyChanges(f"At most {APPEND_EVENTS_MAX:,} changes can be made at once. Do it in several steps.")
