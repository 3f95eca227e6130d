"""The query service of the context: who may ask, and which part of it answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sigdep.contracts.agenda import FindAgenda
from sigdep.contracts.reminding import FindDueTasks, FindReminders
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ModelGone, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.reading.progress import Progress
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call
from sigdep.tasks.queries import (
    FindProjectRank,
    FindTaskRank,
    GetHistory,
    GetLabel,
    GetProject,
    GetTask,
    ListComments,
    ListLabels,
    ListProjects,
    ListSubtasks,
    ListTasks,
)
from sigdep.tasks.read_models.model import TasksReadModel
from sigdep.tasks.read_service.agenda import Agenda
from sigdep.tasks.read_service.hot_lists import HotLists
from sigdep.tasks.read_service.lists import Lists
from sigdep.tasks.read_service.neighbours import RankNeighbours
from sigdep.tasks.read_service.reminding import Reminding
from sigdep.tasks.read_service.single import Single
from sigdep.tasks.read_service.task_lists import TaskLists
from sigdep.tasks.read_service.text_search import TextSearch
from sigdep.tasks.read_service.things import CONTEXT, LABEL, PROJECT

Handler = Callable[[Any, Call], Awaitable[Answer[Any]]]


class TasksRead:
    """A Service (`rpc/call.py`) of every query in `queries.py`, and of what others ask every context (`contracts`)."""

    def __init__(
        self,
        store: ReadStore,
        log: EventLog,
        progress: Progress,
        search: TextSearch | None = None,
        hot: HotLists | None = None,
    ) -> None:
        """
        Args:
            store: where the read model `tasks` is kept.
            log: the context's log, for histories, for the past, and for what the read model has not seen yet.
            progress: of the projector of the read model `tasks`.
            search: asked about words before the read store is. None: there is no index.
            hot: answers what it can before the read store is asked. None: there is nothing of the kind.
        """
        sources = Sources(store, log, progress, context=CONTEXT, read_model=TasksReadModel, things="tasks")
        single, lists, task_lists = Single(sources), Lists(sources), TaskLists(sources, search, hot)
        reminding = Reminding(sources)
        self._neighbours: Final = RankNeighbours(store, progress)
        self._progress: Final = progress
        self._handlers: Final[Mapping[type, Handler]] = {
            GetTask: single.get_task,
            GetProject: lambda query, call: single.get(PROJECT, query.project_id, query.at, call),
            GetLabel: lambda query, call: single.get(LABEL, query.label_id, query.at, call),
            GetHistory: single.get_history,
            ListTasks: task_lists.list_tasks,
            ListSubtasks: task_lists.list_subtasks,
            ListComments: lists.list_comments,
            ListProjects: lists.list_projects,
            ListLabels: lists.list_labels,
            FindTaskRank: self._find_task_rank,
            FindProjectRank: self._find_project_rank,
            FindReminders: reminding.find,
            FindDueTasks: reminding.find_due,
            FindAgenda: Agenda(sources).find,
        }

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        handler = self._handlers.get(type(message))
        if handler is None:
            raise TypeError(f"tasks.read does not answer {type(message).__name__}.")
        least = call.least(CONTEXT)
        if least is not None:
            await self._progress.wait_for(least.partition, least.position)
        try:
            return await handler(message, call)
        except ModelGone:
            return await handler(message, call)  # A rebuild has been switched to meanwhile; its rows are live now.

    async def _find_task_rank(self, query: FindTaskRank, _call: Call) -> Answer[str | None]:
        found = await self._neighbours.task_rank(
            query.workspace_id, query.project_id, query.parent_id, query.rank, query.side
        )
        return Answer(value=found)

    async def _find_project_rank(self, query: FindProjectRank, _call: Call) -> Answer[str | None]:
        return Answer(value=await self._neighbours.project_rank(query.workspace_id, query.rank, query.side))
