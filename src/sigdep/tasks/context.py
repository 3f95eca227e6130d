"""The menu of this context: everything that it offers, and what opens it.

Routes and the reading side are loaded by whoever opens them: a process that only writes starts sooner without.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.hot_views import HotChanges, HotViews
from sigdep.kernel.read_store import Changes, ReadStore
from sigdep.kernel.search_index import SearchIndex
from sigdep.kernel.store import EventLog, EventStore
from sigdep.rpc.call import Service
from sigdep.tasks.domain.label_decisions import LABEL
from sigdep.tasks.domain.label_name import LABEL_NAME
from sigdep.tasks.domain.project_decisions import PROJECT
from sigdep.tasks.domain.subtasks import SUBTASKS
from sigdep.tasks.domain.task_decisions import TASK
from sigdep.tasks.domain.workspace import WORKSPACE
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.publishing import TOLD, publish
from sigdep.tasks.reactions import TasksReactions
from sigdep.tasks.write_service import TasksWrite
from sigdep.tasks.writing.remote_neighbours import RemoteNeighbours
from sigdep.writing.members import Members

if TYPE_CHECKING:
    from sigdep.reading.progress import Progress
    from sigdep.tasks.read_models.model import TasksReadModel
    from sigdep.tasks.read_models.task_texts import TaskTexts
    from sigdep.tasks.read_service.hot_lists import HotLists
    from sigdep.tasks.read_service.service import TasksRead
    from sigdep.tasks.read_service.text_search import IndexProgress, TextSearch

__all__ = [
    "DECIDERS",
    "EVENTS",
    "TOLD",
    "TasksContext",
    "TasksReactions",
    "hot_changes",
    "open_hot_lists",
    "open_read",
    "open_search",
    "open_tasks",
    "open_write",
    "publish",
    "read_model",
    "routes",
    "texts",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (TASK, SUBTASKS, PROJECT, LABEL, LABEL_NAME, WORKSPACE)


def read_model() -> "TasksReadModel":
    from sigdep.tasks.read_models.model import TasksReadModel  # noqa: PLC0415

    return TasksReadModel()


@dataclass(frozen=True, kw_only=True)
class TasksContext:
    """The context at work."""

    write: TasksWrite
    read: "TasksRead"
    reactions: TasksReactions
    """To what the context of users publishes."""
    routes: Sequence[Route]


def open_tasks(
    *, log: EventStore, views: ReadStore, progress: "Progress", members: Members, alone: bool
) -> TasksContext:
    """Both sides in one process.

    Args:
        progress: the projector of this context's read model.
        members: knows who belongs to a workspace.
        alone: no other process writes to this log.
    """
    from sigdep.tasks.read_service.neighbours import RankNeighbours  # noqa: PLC0415

    write = TasksWrite(log, members=members, neighbours=RankNeighbours(views, progress), alone=alone)
    read = open_read(log=log, views=views, progress=progress)
    return TasksContext(write=write, read=read, reactions=TasksReactions(write), routes=routes(write, read))


def open_write(*, log: EventStore, members: Members, read: Service) -> TasksWrite:
    """The writing side by itself, one process of several."""
    return TasksWrite(log, members=members, neighbours=RemoteNeighbours(read), alone=False)


def texts() -> "TaskTexts":
    """What a search index is filled with: a read model of one table, which is kept there."""
    from sigdep.tasks.read_models.task_texts import TaskTexts  # noqa: PLC0415

    return TaskTexts()


def open_search(index: SearchIndex, progress: "IndexProgress") -> "TextSearch":
    """
    Args:
        progress: of whoever fills the index with `texts`.
    """
    from sigdep.tasks.read_service.text_search import TextSearch  # noqa: PLC0415

    return TextSearch(index, progress)


def hot_changes(changes: Changes) -> HotChanges:
    """What a batch of the read model does to hot views."""
    from sigdep.tasks.read_models.hot_tasks import hot_changes  # noqa: PLC0415

    return hot_changes(changes)


def open_hot_lists(hot: HotViews, views: ReadStore) -> "HotLists":
    """Run its job."""
    from sigdep.tasks.read_service.hot_lists import HotLists  # noqa: PLC0415

    return HotLists(hot, views)


def open_read(
    *,
    log: EventLog,
    views: ReadStore,
    progress: "Progress",
    search: "TextSearch | None" = None,
    hot: "HotLists | None" = None,
) -> "TasksRead":
    """The reading side by itself.

    Args:
        log: as the writing side offers it.
        progress: the projector of this context's read model.
        search: None: the read store searches alone.
        hot: None: the read store answers everything.
    """
    from sigdep.tasks.read_service.service import TasksRead  # noqa: PLC0415

    return TasksRead(views, log, progress, search, hot)


def routes(write: Service, read: Service) -> Sequence[Route]:
    """What the gateway offers of this context, wherever its services run."""
    from sigdep.tasks.read_api import routes as read_routes  # noqa: PLC0415
    from sigdep.tasks.write_api.labels import label_write_routes  # noqa: PLC0415
    from sigdep.tasks.write_api.projects import project_write_routes  # noqa: PLC0415
    from sigdep.tasks.write_api.tasks import task_write_routes  # noqa: PLC0415

    return (
        # The hot ones first.
        *task_write_routes(write),
        *read_routes(read),
        *project_write_routes(write),
        *label_write_routes(write),
    )
