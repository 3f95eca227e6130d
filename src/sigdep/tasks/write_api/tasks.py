"""POST, PATCH and DELETE below `/api/tasks`, and `/api/batch`."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from sigdep.contracts.ids import CommentId, TaskId, WorkspaceId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Invalid, Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.tasks.commands.tasks import (
    BatchedCommand,
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    DeleteComment,
    EditComment,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.domain.comment import Comment
from sigdep.tasks.domain.task import Task
from sigdep.tasks.write_api import bodies
from sigdep.tasks.write_api.bodies import given, given_for_new
from sigdep.tasks.write_service import BatchResult


class TaskWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: bodies.NewTask, query: bodies.Where) -> Answer[Task]:
        """It is in the workspace that the body or the query names; else in that of its parent or project; else in the
        personal one. A request with an `id` of your own may be repeated: the second answers 200 and changes nothing.
        """
        return await self.service.ask(_create(call, body, chosen_workspace(body.workspace_id, query)), call)

    async def edit(self, call: Call, task_id: TaskId, body: bodies.TaskEdits) -> Answer[Task]:
        """Fields that are not named stay as they are. null clears. `due_at` and `due_on` do not replace each other:
        send null for the one that is to go.
        """
        return await self.service.ask(_edit(call, task_id, body), call)

    async def trash(self, call: Call, task_id: TaskId) -> Answer[Task]:
        """All that is below it goes along, and comes back along with it."""
        return await self.service.ask(TrashTask(task_id=task_id, by=_by(call), at=call.asked_at), call)

    async def restore(self, call: Call, task_id: TaskId) -> Answer[Task]:
        """What went into the trash along with it comes back as well."""
        return await self.service.ask(RestoreTask(task_id=task_id, by=_by(call), at=call.asked_at), call)

    async def complete(self, call: Call, task_id: TaskId) -> Answer[Task]:
        """Open subtasks and blockers do not stand in the way. Asked twice, done once. A task that recurs is followed
        by the next, open and with open subtasks: `next_id` names it.
        """
        return await self.service.ask(CompleteTask(task_id=task_id, by=_by(call), at=call.asked_at), call)

    async def skip(self, call: Call, task_id: TaskId) -> Answer[Task]:
        """This occurrence is `cancelled`, and followed by the next. To end the series, set the status instead."""
        return await self.service.ask(SkipTask(task_id=task_id, by=_by(call), at=call.asked_at), call)

    async def reopen(self, call: Call, task_id: TaskId) -> Answer[Task]:
        """A task that is done or cancelled is open again. The occurrence that follows it goes into the trash if nothing
        has happened to it since it was made; done again, this one brings it back.
        """
        return await self.service.ask(ReopenTask(task_id=task_id, by=_by(call), at=call.asked_at), call)

    async def move(self, call: Call, task_id: TaskId, body: bodies.TaskMove) -> Answer[Task]:
        """Into another project, below another task, between others. Never below itself or into another workspace."""
        return await self.service.ask(_move(call, task_id, body), call)

    async def snooze(self, call: Call, task_id: TaskId, body: bodies.Snooze) -> Answer[Task]:
        """`scheduled_at` becomes `until`, which lies in the future."""
        command = SnoozeTask(task_id=task_id, until=body.until, by=_by(call), at=call.asked_at)
        return await self.service.ask(command, call)

    async def comment(self, call: Call, task_id: TaskId, body: bodies.NewComment) -> Answer[Comment]:
        command = CommentOnTask(task_id=task_id, comment_id=body.id, text=body.text, by=_by(call), at=call.asked_at)
        return await self.service.ask(command, call)

    async def edit_comment(
        self, call: Call, task_id: TaskId, comment_id: CommentId, body: bodies.CommentEdits
    ) -> Answer[Comment]:
        """Only by the person who wrote it. The history keeps what it said before."""
        command = EditComment(task_id=task_id, comment_id=comment_id, text=body.text, by=_by(call), at=call.asked_at)
        return await self.service.ask(command, call)

    async def delete_comment(self, call: Call, task_id: TaskId, comment_id: CommentId) -> Answer[None]:
        """By the person who wrote it, or an admin of the workspace. The history keeps it."""
        command = DeleteComment(task_id=task_id, comment_id=comment_id, by=_by(call), at=call.asked_at)
        return await self.service.ask(command, call)

    async def change_many(self, call: Call, body: bodies.Batch, query: bodies.Where) -> Answer[BatchResult]:
        """All operations happen, or none; what is wrong with one is said with its place. All concern one workspace.
        If one operation asks for a dry run, all of the batch is one.
        """
        batch = ChangeTasks(
            commands=tuple(_command(call, operation) for operation in body.operations),
            by=_by(call),
            at=call.asked_at,
            workspace_id=chosen_workspace(body.workspace_id, query),
        )
        if any(operation.dry_run for operation in body.operations):
            call = replace(call, dry_run=True)
        return await self.service.ask(batch, call)


def chosen_workspace(named: WorkspaceId | None, query: bodies.Where) -> WorkspaceId | None:
    """
    Raises:
        Invalid: body and query name different workspaces.
    """
    if named is not None and query.workspace_id not in (None, named):
        raise Invalid.at("/workspace_id", "The body names another workspace than the query.")
    return named or query.workspace_id


def _by(call: Call) -> Any:
    return call.caller.user_id


def _create(call: Call, body: bodies.NewTask, workspace_id: WorkspaceId | None) -> CreateTask:
    fields = given_for_new(body) | {"workspace_id": workspace_id}
    return CreateTask(task_id=body.id, by=_by(call), at=call.asked_at, **fields)


_CLEARED: Final = (("priority", "none"), ("labels", ()), ("assignee_ids", ()), ("blocked_by", ()), ("reminders", ()))
"""What null stands for where a field is never null."""


def _edit(call: Call, task_id: TaskId, body: bodies.TaskEdits) -> EditTask:
    fields = given(body)
    for name, cleared in _CLEARED:
        if name in fields and fields[name] is None:
            fields[name] = cleared
    return EditTask(task_id=task_id, by=_by(call), at=call.asked_at, **fields)


def _move(call: Call, task_id: TaskId, body: bodies.TaskMove) -> MoveTask:
    return MoveTask(task_id=task_id, by=_by(call), at=call.asked_at, **given(body))


def _command(call: Call, operation: bodies.Operation) -> BatchedCommand:
    match operation:
        case bodies.Create():
            return _create(call, operation, operation.workspace_id)
        case bodies.Update():
            return _edit(call, operation.id, operation)
        case bodies.Move():
            return _move(call, operation.id, operation)
        case bodies.Complete():
            return CompleteTask(task_id=operation.id, by=_by(call), at=call.asked_at)
        case bodies.Skip():
            return SkipTask(task_id=operation.id, by=_by(call), at=call.asked_at)
        case bodies.Reopen():
            return ReopenTask(task_id=operation.id, by=_by(call), at=call.asked_at)
        case bodies.Delete():
            return TrashTask(task_id=operation.id, by=_by(call), at=call.asked_at)
        case bodies.Restore():
            return RestoreTask(task_id=operation.id, by=_by(call), at=call.asked_at)
        case bodies.CommentOn():
            return CommentOnTask(
                task_id=operation.id,
                comment_id=operation.comment_id,
                text=operation.text,
                by=_by(call),
                at=call.asked_at,
            )


def task_write_routes(service: Service) -> Sequence[Route]:
    handlers = TaskWrites(service)
    one = "/api/tasks/{task_id}"
    comment = f"{one}/comments/{{comment_id}}"
    return (
        _route("POST", "/api/tasks", handlers.create, "Create a task."),
        _route("PATCH", one, handlers.edit, "Change the fields that are named."),
        _route("DELETE", one, handlers.trash, "Put a task into the trash."),
        _route("POST", f"{one}/restore", handlers.restore, "Bring a task back from the trash."),
        _route("POST", f"{one}/complete", handlers.complete, "Complete a task."),
        _route("POST", f"{one}/skip", handlers.skip, "Skip an occurrence of a task that recurs."),
        _route("POST", f"{one}/reopen", handlers.reopen, "Open a finished task again."),
        _route("POST", f"{one}/move", handlers.move, "Move a task, and what is below it."),
        _route("POST", f"{one}/snooze", handlers.snooze, "Put a task off until an instant."),
        _route("POST", f"{one}/comments", handlers.comment, "Comment on a task.", "comments"),
        _route("PATCH", comment, handlers.edit_comment, "Change the text of a comment.", "comments"),
        _route("DELETE", comment, handlers.delete_comment, "Delete a comment.", "comments"),
        _route("POST", "/api/batch", handlers.change_many, "Change up to 500 tasks at once, or none."),
    )


def _route(method: Any, path: str, handle: Any, summary: str, tag: str = "tasks") -> Route:
    return Route(
        method=method, path=path, handle=handle, summary=summary, tag=tag, scope="tasks:write", errors=(Refused,)
    )
