"""What is done here when other contexts speak: people are told, or what was told is forgotten."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import (
    MemberRemoved,
    PublicEvent,
    TaskCommented,
    TaskCreated,
    TaskEdited,
    UserErased,
    WorkspaceErased,
)
from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.contracts.membership import FindByEmail
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.http.stamps import internal_call, utc_now
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import CommandId
from sigdep.kernel.messages import UNSET, Command
from sigdep.notifications.commands import ForgetMember, ForgetPerson, ForgetWorkspace, TellPeople
from sigdep.notifications.domain.mentions import mentions_in
from sigdep.notifications.events import Kind, Thing
from sigdep.rpc.call import Call, Service

E = TypeVar("E", bound=PublicEvent)

TASKS: Final = "sigdep.tasks."
USERS: Final = "sigdep.users."

EXCERPT_LENGTH_MAX: Final = 280
"""Of a comment: the rest is to be read where it stands."""

NEWS_FOR: Final = timedelta(days=7)
"""Of what is older nobody is told any more: whoever comes from a release that knew no notifications has years of it."""

_COMMANDS: Final = UUID("8d0f3a4e-6c1d-5f7e-9f6a-2d4c8b1e7a35")
"""Namespace (RFC 9562 §5.5) of the ids of commands that follow from events."""


class TasksReactions:
    """Tells people what others have done with tasks. Safe to repeat: who was told of an event is not told again.

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
        if utc_now() - event.time > NEWS_FOR:
            return
        match event.type.removeprefix(TASKS):
            case "TaskCreated":
                await self._created(event, _fact(event, TaskCreated))
            case "TaskEdited":
                await self._edited(event, _fact(event, TaskEdited))
            case _:
                await self._commented(event, _fact(event, TaskCommented))

    async def _created(self, event: CloudEvent, fact: TaskCreated) -> None:
        await self._tell(
            event, "task.assigned", fact.workspace_id, fact.task_id, fact.title, fact.by, to=fact.assignee_ids
        )

    async def _edited(self, event: CloudEvent, fact: TaskEdited) -> None:
        if fact.assignee_ids is UNSET or not fact.assignee_ids:
            return
        task = await self._task_then(event, fact.task_id)
        if task is not None:
            new = [user for user in fact.assignee_ids if user not in task.people_before]
            await self._tell(event, "task.assigned", task.workspace_id, fact.task_id, task.title, fact.by, to=new)

    async def _commented(self, event: CloudEvent, fact: TaskCommented) -> None:
        task = await self._task_then(event, fact.task_id)
        if task is None:
            return
        place, title, body = task.workspace_id, task.title, _excerpt(fact.text)
        mentioned = await self._mentioned(place, fact.text)
        await self._tell(event, "task.mentioned", place, fact.task_id, title, fact.by, to=mentioned, body=body)
        others = [user for user in (task.created_by, *task.people) if user not in mentioned]
        await self._tell(event, "task.commented", place, fact.task_id, title, fact.by, to=others, body=body)

    async def _task_then(self, event: CloudEvent, task_id: TaskId) -> ThingThen | None:
        """None: it has been erased since."""
        assert event.streamversion is not None
        try:
            found: ThingThen = (
                await self._tasks.ask(FindThing(thing_id=task_id, version=event.streamversion), internal_call())
            ).value
        except NotFound:
            return None
        return found

    async def _mentioned(self, workspace_id: WorkspaceId, text: str) -> Collection[UserId]:
        mentions = mentions_in(text)
        if not mentions.emails:
            return mentions.user_ids
        query = FindByEmail(workspace_id=workspace_id, emails=tuple(mentions.emails))
        return (*mentions.user_ids, *(await self._users.ask(query, internal_call())).value)

    async def _tell(
        self,
        event: CloudEvent,
        kind: Kind,
        workspace_id: WorkspaceId,
        task_id: TaskId,
        title: str,
        by: UserId,
        *,
        to: Collection[UserId],
        body: str = "",
    ) -> None:
        recipients = tuple(user for user in dict.fromkeys(to) if user != by)
        if not recipients:
            return
        call = _call(event, kind)
        command = TellPeople(
            workspace_id=workspace_id,
            recipients=recipients,
            kind=kind,
            title=title,
            key=_key(event),
            occurred_at=event.time,
            at=call.asked_at,
            body=body,
            thing=Thing(kind="task", id=task_id),
            link=f"/tasks/{task_id}",
            by=by,
        )
        await _ask(self._service, command, call)


class UsersReactions:
    """Forgets what those must not see any more who have left, and all that was erased. Safe to repeat."""

    types: Final = frozenset(USERS + name for name in ("MemberRemoved", "WorkspaceErased", "UserErased"))

    def __init__(self, service: Service) -> None:
        self._service = service

    async def react(self, event: CloudEvent) -> None:
        await self._service.ask(self._command(event), _call(event, "forget"))

    def _command(self, event: CloudEvent) -> Command:
        match event.type.removeprefix(USERS):
            case "MemberRemoved":
                removed = _fact(event, MemberRemoved)
                return ForgetMember(
                    workspace_id=removed.workspace_id,
                    user_id=removed.user_id,
                    removed_at=removed.removed_at,
                    at=event.time,
                )
            case "WorkspaceErased":
                return ForgetWorkspace(workspace_id=_fact(event, WorkspaceErased).workspace_id, at=event.time)
            case _:
                return ForgetPerson(user_id=_fact(event, UserErased).user_id, at=event.time)


def _fact(event: CloudEvent, kind: type[E]) -> E:
    """In one process the data is the event itself, whose fields may say nothing (UNSET): no attribute may say that."""
    return msgspec.convert(msgspec.to_builtins(event.data), kind)


def _key(event: CloudEvent) -> str:
    """Of what is told of an event, whatever it is called."""
    return f"{event.source}#{event.id}"


def _call(event: CloudEvent, purpose: str) -> Call:
    """The clock is that of now: quiet hours are asked about when something goes out, which may be late."""
    command_id = CommandId(uuid5(_COMMANDS, f"{_key(event)} {purpose}"))
    return replace(internal_call(), command_id=command_id, traceparent=event.traceparent)


async def _ask(service: Service, command: Any, call: Call) -> None:
    """Nobody is told of a workspace that has been erased meanwhile."""
    try:
        await service.ask(command, call)
    except NotFound:
        return


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT_LENGTH_MAX else words[: EXCERPT_LENGTH_MAX - 1] + "…"
