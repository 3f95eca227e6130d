"""What there is to be reminded of, told to whoever reminds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.contracts.reminding import (
    DuePlace,
    DueReminder,
    DueTask,
    DueTasks,
    FindDueTasks,
    FindReminders,
    ThingReminders,
)
from sigdep.kernel.read_store import All, Compare, Order, Row, Select
from sigdep.reading.sources import Sources, not_found
from sigdep.reading.views import LiveView
from sigdep.rpc.call import Answer, Call
from sigdep.tasks.domain.reminders import due_reminders, is_due_soon_told
from sigdep.tasks.domain.task import Task
from sigdep.tasks.read_models.projects import PROJECTS
from sigdep.tasks.read_models.task_rows import OPEN, TASKS
from sigdep.tasks.read_service.things import TASK

_DOCUMENT: Final = ("document",)
_HIDDEN: Final = ("hidden",)
WORKSPACES_AT_ONCE: Final = 100
"""Looked through for one question, of which most have nothing that is due."""

_BEFORE_ALL: Final = UUID(int=0)
_DUE: Final = ("due", "id", "workspace_id")

_decode: Final = msgspec.json.Decoder(Task).decode


class Reminding:
    """Answers FindReminders, and FindDueTasks.

    An occurrence of a task that recurs is a task of its own, and asked for by itself.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def find(self, query: FindReminders, call: Call) -> Answer[ThingReminders]:
        """
        Raises:
            NotFound: there is no such task, or whoever it is asked for is no member of its workspace.
        """
        view = self._sources.now()
        task = await self._task(view, TaskId(query.thing_id))
        if call.principal is not None:
            call.principal.require(task.workspace_id, "viewer", TASK.name)
        due: list[DueReminder] = []
        continues = _is_to_be_done(task)
        if await _reminds(view, task):
            due = sorted(_due(task, query, await self._recipients(view, task)), key=lambda one: one.due_at)
            continues = any(one.due_at >= query.until for one in due_reminders(task))
        answer = ThingReminders(
            workspace_id=task.workspace_id,
            title=task.title,
            due=tuple(due),
            complete_until=query.until,
            continues=continues,
        )
        return Answer(value=answer, position=view.position(task.workspace_id))

    async def find_due(self, query: FindDueTasks, call: Call) -> Answer[DueTasks]:
        call.require_nobody()
        view, tasks = self._sources.now(), list[DueTask]()
        place = query.after or await _next_workspace(view, None)
        for _ in range(WORKSPACES_AT_ONCE):
            if place is None or len(tasks) >= query.limit:
                break
            page = await view.select(_due_in(place, query, query.limit - len(tasks)))
            tasks += map(_due_task, page.rows)
            if page.next is None:
                place = await _next_workspace(view, place.workspace_id)
            else:
                last = tasks[-1]
                place = DuePlace(workspace_id=last.workspace_id, due_at=last.due_at, task_id=last.task_id)
        return Answer(value=DueTasks(tasks=tuple(tasks), next=place))

    async def _task(self, view: LiveView, task_id: TaskId) -> Task:
        """As the read model has it, or the log, where that has not come so far."""
        row = await view.get(TASKS, (task_id,), _DOCUMENT)
        if row is not None:
            document = row["document"]
            assert isinstance(document, bytes)
            return _decode(document)
        task = TASK.fold((await self._sources.log.read(TASK.stream(task_id))).events)
        if not isinstance(task, Task):
            raise not_found(TASK)
        return task

    async def _recipients(self, view: LiveView, task: Task) -> tuple[UserId, ...]:
        """The assignees, else whoever created the task, or the first of its series."""
        if task.assignee_ids or task.series_id in (None, task.id):
            return task.assignee_ids or (task.created_by,)
        first = await self._task(view, task.series_id)
        return (first.created_by,)


def _due_in(place: DuePlace, query: FindDueTasks, limit: int) -> Select:
    """Along the index by which people list what is due: one of its own would cost every write, for a walk an hour."""
    whose = (
        Compare("workspace_id", "=", place.workspace_id),
        Compare("trashed", "=", False),
        Compare("open", "=", True),
    )
    within = (Compare("due", ">=", query.since), Compare("due", "<", query.until))
    return Select(
        table=TASKS,
        where=All((*whose, *within)),
        order=(Order("due"),),
        after=None if place.task_id is None else (place.due_at, place.task_id),
        limit=limit,
        columns=_DUE,
    )


async def _next_workspace(view: LiveView, workspace: WorkspaceId | None) -> DuePlace | None:
    """That with the next higher id of those that have tasks. None: there is none."""
    # In the order of an index, or the tasks of a whole workspace would be sorted for one of them.
    order = (Order("workspace_id"), Order("number"))
    where = All((Compare("workspace_id", ">", workspace or _BEFORE_ALL), Compare("number", ">", 0)))
    page = await view.select(Select(table=TASKS, where=where, order=order, limit=1, columns=("workspace_id",)))
    if not page.rows:
        return None
    found = page.rows[0]["workspace_id"]
    assert isinstance(found, UUID)
    return DuePlace(workspace_id=WorkspaceId(found))


def _due_task(row: Row) -> DueTask:
    due_at, task_id, workspace_id = (row[column] for column in _DUE)
    assert isinstance(due_at, datetime)
    assert isinstance(task_id, UUID)
    assert isinstance(workspace_id, UUID)
    return DueTask(due_at=due_at, task_id=TaskId(task_id), workspace_id=WorkspaceId(workspace_id))


def _is_to_be_done(task: Task) -> bool:
    """Whether it may remind somebody, once its project is not archived or in the trash any more."""
    return task.status in OPEN and task.trashed_at is None and (bool(task.reminders) or is_due_soon_told(task))


async def _reminds(view: LiveView, task: Task) -> bool:
    """Whether anybody is still to be reminded of it."""
    if not _is_to_be_done(task):
        return False
    if task.project_id is None:
        return True
    project = await view.get(PROJECTS, (task.project_id,), _HIDDEN)
    return project is None or not project["hidden"]


def _due(task: Task, query: FindReminders, recipients: tuple[UserId, ...]) -> Iterator[DueReminder]:
    for reminder, due_at, starts_at in due_reminders(task):
        if query.since <= due_at < query.until:
            yield DueReminder(reminder=reminder, due_at=due_at, starts_at=starts_at, recipients=recipients)
