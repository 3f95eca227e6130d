"""The menu of this context: everything that it offers, and what opens it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventStore
from sigdep.tasks.domain.label_decisions import LABEL
from sigdep.tasks.domain.label_name import LABEL_NAME
from sigdep.tasks.domain.project_decisions import PROJECT
from sigdep.tasks.domain.subtasks import SUBTASKS
from sigdep.tasks.domain.task_decisions import TASK
from sigdep.tasks.domain.workspace import WORKSPACE
from sigdep.tasks.events import EVENTS
from sigdep.tasks.publishing import publish
from sigdep.tasks.reactions import TasksReactions
from sigdep.tasks.read_api import routes as read_routes
from sigdep.tasks.read_models.model import TasksReadModel
from sigdep.tasks.read_service.neighbours import RankNeighbours
from sigdep.tasks.read_service.progress import Progress
from sigdep.tasks.read_service.service import TasksRead
from sigdep.tasks.write_api.labels import label_write_routes
from sigdep.tasks.write_api.projects import project_write_routes
from sigdep.tasks.write_api.tasks import task_write_routes
from sigdep.tasks.write_service import TasksWrite
from sigdep.tasks.writing.attempt import Members

__all__ = ["DECIDERS", "EVENTS", "TasksContext", "open_tasks", "publish", "read_model"]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (TASK, SUBTASKS, PROJECT, LABEL, LABEL_NAME, WORKSPACE)


def read_model() -> TasksReadModel:
    return TasksReadModel()


@dataclass(frozen=True, kw_only=True)
class TasksContext:
    """The context at work."""

    write: TasksWrite
    read: TasksRead
    reactions: TasksReactions
    """To be told every public event of the users context."""
    routes: Sequence[Route]


def open_tasks(*, log: EventStore, views: ReadStore, progress: Progress, members: Members, alone: bool) -> TasksContext:
    """
    Args:
        progress: the projector of this context's read model.
        members: knows who belongs to a workspace.
        alone: no other process writes to this log.
    """
    write = TasksWrite(log, members=members, neighbours=RankNeighbours(views, progress), alone=alone)
    read = TasksRead(views, log, progress)
    return TasksContext(
        write=write,
        read=read,
        reactions=TasksReactions(write),
        routes=(
            # The hot ones first.
            *task_write_routes(write),
            *read_routes(read),
            *project_write_routes(write),
            *label_write_routes(write),
        ),
    )
