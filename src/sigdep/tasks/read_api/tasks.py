"""GET below `/api/tasks`."""

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sigdep.contracts.ids import TaskId
from sigdep.http.read_parameters import HistoryParameters, PageParameters, moment_of
from sigdep.http.routes import Listing, Route
from sigdep.kernel.errors import NotFound
from sigdep.rpc.call import Answer, Call, Encoded, Service
from sigdep.tasks.domain.comment import Comment
from sigdep.tasks.domain.task import Task
from sigdep.tasks.queries import GetTask, ListComments, ListSubtasks, ListTasks
from sigdep.tasks.read_api import parameters
from sigdep.tasks.read_api.histories import HistoryItem, show_history

_NUMBER: Final = re.compile(r"[tT]-(\d{1,15})", re.ASCII)


class TaskReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def get(self, call: Call, task_id: str, query: parameters.TaskParameters) -> Answer[Task | Encoded]:
        """By its id, or by its number as in `T-42`. A task in the trash is shown, with `trashed_at`."""
        number = _NUMBER.fullmatch(task_id)
        question = GetTask(
            task_id=None if number else _task_id(task_id),
            number=int(number[1]) if number else None,
            workspace_id=query.workspace_id,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def find(self, call: Call, query: parameters.TaskListParameters) -> Answer[Listing[Task] | Encoded]:
        """The tasks of one workspace that fulfil all parameters, what is due first at the top.

        Left out unless asked for: what is in the trash, and the tasks of projects that are archived or in the trash.
        A task that is due on a date is due when that day ends in your time zone.
        """
        fields = {name: getattr(query, name) for name in _SAME}
        return await self.service.ask(ListTasks(**fields, at=moment_of(query.at)), call)

    async def subtasks(
        self, call: Call, task_id: TaskId, query: parameters.SubtaskParameters
    ) -> Answer[Listing[Task] | Encoded]:
        """As their people have arranged them. Those below them are not listed: ask for theirs."""
        question = ListSubtasks(
            task_id=task_id,
            trashed=query.trashed,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def comments(self, call: Call, task_id: TaskId, query: PageParameters) -> Answer[Listing[Comment] | Encoded]:
        """Oldest first. Deleted ones are gone from here; their text stays in the history."""
        question = ListComments(task_id=task_id, cursor=query.cursor, limit=query.limit, at=moment_of(query.at))
        return await self.service.ask(question, call)

    async def history(self, call: Call, task_id: TaskId, query: HistoryParameters) -> Answer[Listing[HistoryItem]]:
        """Each event with who, when, through what, and the fields that it changed, before and after."""
        return await show_history(self.service, "task", task_id, query, call)


_SAME: Final = tuple(name for name in ListTasks.__struct_fields__ if name != "at")
"""Parameters that are named as the query names them."""


def _task_id(text: str) -> TaskId:
    try:
        return TaskId(UUID(text))
    except ValueError:
        raise NotFound("A task is named by its id, or by its number as in T-42.") from None


def task_read_routes(service: Service) -> Sequence[Route]:
    handlers = TaskReads(service)
    one = "/api/tasks/{task_id}"
    return (
        _route("/api/tasks", handlers.find, "List tasks."),
        _route(one, handlers.get, "Get a task."),
        _route(f"{one}/subtasks", handlers.subtasks, "List the tasks directly below a task."),
        _route(f"{one}/comments", handlers.comments, "List the comments on a task.", "comments"),
        _route(f"{one}/history", handlers.history, "Show what has happened to a task."),
    )


def _route(path: str, handle: Any, summary: str, tag: str = "tasks") -> Route:
    return Route(method="GET", path=path, handle=handle, summary=summary, tag=tag, scope="tasks:read")
