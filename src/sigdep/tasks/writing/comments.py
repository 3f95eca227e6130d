"""Commands to comments: they are events of their task, and are found by reading its stream."""

from collections.abc import Sequence

from msgspec.structs import replace

from sigdep.contracts.ids import CommentId
from sigdep.contracts.roles import at_least
from sigdep.kernel.errors import Refused
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import Event
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import Shown
from sigdep.tasks.commands.tasks import CommentOnTask, DeleteComment, EditComment
from sigdep.tasks.domain.comment import Comment, CommentEvent, comments_of, decide_delete, decide_edit, evolve
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import changeable, decide
from sigdep.tasks.events.tasks import TaskCommented
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.references import matching_task, task_to_change


class CommentExists(Refused):
    """The id that a client chose for a comment is taken on this task."""


async def comment_on_task(attempt: Attempt, command: CommentOnTask) -> None:
    task = await matching_task(attempt, command.task_id)
    if command.comment_id is None:
        command = replace(command, comment_id=CommentId(attempt.make_id()))
    elif await _written_before(attempt, task, command, command.comment_id):
        attempt.repeated = True
        attempt.comment = await _find_comment(attempt, task, command.comment_id)
        return
    _record(attempt, task, None, decide(command, task))
    assert command.comment_id is not None
    attempt.comment_ids.add(command.comment_id)


async def _written_before(attempt: Attempt, task: Task, command: CommentOnTask, comment_id: CommentId) -> bool:
    """Whether this very comment was written before, with the id that the client chose.

    Raises:
        CommentExists: another comment has it, or had it.
    """
    stream = attempt.around.tasks.decider.stream(task.id)
    history = await attempt.around.store.read(stream, until=Version(task.version))
    for event in (recorded.event for recorded in history.events):
        if isinstance(event, TaskCommented) and event.comment_id == comment_id:
            if (event.text, event.by) == (command.text, command.by):
                return True
            raise CommentExists("This task has a comment with this id already. Choose a new id for a new comment.")
    if comment_id in attempt.comment_ids:
        raise CommentExists("Two comments of this request have the same id.")
    return False


async def change_comment(attempt: Attempt, command: EditComment | DeleteComment) -> None:
    """
    Raises:
        TaskNotFound, CommentNotFound, NotYours, InTrash, ProjectReadOnly, Invalid.
        Stale: If-Match names another version of the comment.
    """
    task = await task_to_change(attempt, command.task_id)
    changeable(task)
    comment = await _find_comment(attempt, task, command.comment_id)
    if comment is not None:
        attempt.match(attempt.around.tasks, task.id, comment.version)
    if isinstance(command, EditComment):
        _record(attempt, task, comment, decide_edit(command, comment))
    else:
        role = attempt.call.caller.roles.get(attempt.workspace, "viewer")
        _record(attempt, task, comment, decide_delete(command, comment, may_moderate=at_least(role, "admin")))


def _record(attempt: Attempt, task: Task, comment: Comment | None, events: Sequence[Event]) -> None:
    """Also works out what the comment becomes by the events."""
    attempt.record(attempt.around.tasks, task.id, events)
    attempt.comment = comment
    for event in events:
        assert isinstance(event, CommentEvent)
        attempt.comment = evolve(attempt.comment, task.workspace_id, event)


async def _find_comment(attempt: Attempt, task: Task, comment_id: CommentId) -> Comment | None:
    """A comment as it is at the version at which the attempt has found its task."""
    stream = attempt.around.tasks.decider.stream(task.id)
    history = await attempt.around.store.read(stream, until=Version(task.version))
    return comments_of(task.workspace_id, (recorded.event for recorded in history.events)).get(comment_id)


async def comment_then(
    store: EventStore, task: Task, shown: Shown, command: CommentOnTask | EditComment | DeleteComment
) -> Comment | None:
    """The comment that a command of the past was about, as it was after it. None: deleted by it."""
    events = [recorded.event for recorded in (await store.read(shown.stream, until=shown.version)).events]
    comment_id = command.comment_id
    if comment_id is None:  # The command made the id, and wrote the comment last.
        last = events[-1]
        if not isinstance(last, TaskCommented):
            return None
        comment_id = last.comment_id
    return comments_of(task.workspace_id, events).get(comment_id)
