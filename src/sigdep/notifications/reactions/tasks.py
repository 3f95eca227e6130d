"""Tells people what others have done with tasks."""

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.cloud_event import CloudEvent, value_of
from sigdep.contracts.events import TaskCommented, TaskCreated, TaskEdited
from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.contracts.membership import FindByEmail
from sigdep.http.stamps import internal_call
from sigdep.kernel.messages import UNSET
from sigdep.notifications.domain.mentions import mentions_in
from sigdep.notifications.events.inbox import Thing
from sigdep.notifications.reactions.telling import Item, fact_of, is_news, tell, thing_then
from sigdep.rpc.call import Service

TASKS: Final = "sigdep.tasks."

EXCERPT_LENGTH_MAX: Final = 280
"""Of a comment: the rest is to be read where it stands."""


class TasksReactions:
    """Safe to repeat: who was told of an event is not told again.

    Everybody is told at most once of one event: who is mentioned in a comment is not told besides that there is one.
    """

    types: Final = frozenset(TASKS + name for name in ("TaskCreated", "TaskEdited", "TaskCommented"))

    def __init__(self, service: Service, *, tasks: Service, users: Service) -> None:
        """
        Args:
            service: tells people.
            tasks: says what a task was when it happened.
            users: says who has an address.
        """
        self._service = service
        self._tasks = tasks
        self._users = users

    async def react(self, event: CloudEvent) -> None:
        if not is_news(event):
            return
        match event.type.removeprefix(TASKS):
            case "TaskCreated" | "TaskEdited" if not value_of(event, "assignee_ids"):
                return  # As most: they are not even read.
            case "TaskCreated":
                await self._created(event, fact_of(event, TaskCreated))
            case "TaskEdited":
                await self._edited(event, fact_of(event, TaskEdited))
            case _:
                await self._commented(event, fact_of(event, TaskCommented))

    async def _created(self, event: CloudEvent, fact: TaskCreated) -> None:
        item = _item(fact.task_id, fact.workspace_id, fact.title, fact.by)
        await tell(self._service, event, "task.assigned", item, fact.assignee_ids)

    async def _edited(self, event: CloudEvent, fact: TaskEdited) -> None:
        if fact.assignee_ids is UNSET or not fact.assignee_ids:
            return
        task = await thing_then(self._tasks, event, fact.task_id)
        if task is not None:
            new = [user for user in fact.assignee_ids if user not in task.people_before]
            item = _item(fact.task_id, task.workspace_id, task.title, fact.by)
            await tell(self._service, event, "task.assigned", item, new)

    async def _commented(self, event: CloudEvent, fact: TaskCommented) -> None:
        task = await thing_then(self._tasks, event, fact.task_id)
        if task is None:
            return
        item = replace(_item(fact.task_id, task.workspace_id, task.title, fact.by), body=_excerpt(fact.text))
        mentioned = await self._mentioned(task.workspace_id, fact.text)
        await tell(self._service, event, "task.mentioned", item, mentioned)
        others = [user for user in (task.created_by, *task.people) if user not in mentioned]
        await tell(self._service, event, "task.commented", item, others)

    async def _mentioned(self, workspace_id: WorkspaceId, text: str) -> Collection[UserId]:
        mentions = mentions_in(text)
        if not mentions.emails:
            return mentions.user_ids
        query = FindByEmail(workspace_id=workspace_id, emails=tuple(mentions.emails))
        return (*mentions.user_ids, *(await self._users.ask(query, internal_call())).value)


def _item(task_id: TaskId, workspace_id: WorkspaceId, title: str, by: UserId) -> Item:
    thing = Thing(kind="task", id=task_id)
    return Item(workspace_id=workspace_id, thing=thing, title=title, by=by, link=f"/tasks/{task_id}")


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT_LENGTH_MAX else words[: EXCERPT_LENGTH_MAX - 1] + "…"
