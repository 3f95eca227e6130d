"""What a comment is. Comments live in their task's stream; whoever needs them folds them out of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import CommentId, TaskId, UserId, WorkspaceId
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.kernel.messages import Event, State
from sigdep.tasks.commands.tasks import DeleteComment, EditComment
from sigdep.tasks.domain import fields
from sigdep.tasks.events.tasks import CommentDeleted, CommentEdited, TaskCommented

SCHEMA: Final = "comment-1"
"""Names the shape of the state; raise it with a change that makes a stored one wrong."""


class CommentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such comment on this task.")


class NotYours(Forbidden):
    """Somebody else wrote it."""


CommentEvent = TaskCommented | CommentEdited | CommentDeleted


class Comment(State):
    """A comment on a task, as everybody sees it."""

    id: CommentId
    task_id: TaskId
    workspace_id: WorkspaceId
    text: str
    """Markdown."""
    created_at: datetime
    created_by: UserId
    edited_at: datetime | None
    version: int
    """Grows with every event of this comment."""


Comments = Mapping[CommentId, Comment]
"""The comments of one task, oldest first. A deleted one is gone; its text stays in the history."""


def evolve(comment: Comment | None, workspace_id: WorkspaceId, event: CommentEvent) -> Comment | None:
    """One comment after an event of its own. None: there is no such comment (any more)."""
    match event:
        case TaskCommented():
            return Comment(
                id=event.comment_id,
                task_id=event.task_id,
                workspace_id=workspace_id,
                text=event.text,
                created_at=event.at,
                created_by=event.by,
                edited_at=None,
                version=1,
            )
        case CommentEdited():
            if comment is None:
                return None
            return replace(comment, text=event.text, edited_at=event.at, version=comment.version + 1)
        case CommentDeleted():
            return None


def comments_of(workspace_id: WorkspaceId, events: Iterable[Event | None]) -> Comments:
    """The comments that a task has after the events of its stream."""
    comments: dict[CommentId, Comment] = {}
    for event in events:
        if isinstance(event, CommentEvent):
            comment = evolve(comments.get(event.comment_id), workspace_id, event)
            if comment is None:
                comments.pop(event.comment_id, None)
            else:
                comments[event.comment_id] = comment
    return comments


def decide_edit(command: EditComment, comment: Comment | None) -> list[CommentEdited]:
    """
    Raises:
        CommentNotFound, Invalid.
        NotYours: only who wrote a comment may change it.
    """
    if comment is None:
        raise CommentNotFound
    if comment.created_by != command.by:
        raise NotYours("Only the person who wrote a comment can change it.")
    text = fields.comment(command.text)
    if text == comment.text:
        return []
    return [
        CommentEdited(task_id=command.task_id, comment_id=command.comment_id, text=text, by=command.by, at=command.at)
    ]


def decide_delete(command: DeleteComment, comment: Comment | None, *, may_moderate: bool) -> list[CommentDeleted]:
    """
    Args:
        may_moderate: the caller may delete what others wrote.

    Raises:
        CommentNotFound: also where it has been deleted before.
        NotYours: somebody else wrote it.
    """
    if comment is None:
        raise CommentNotFound
    if comment.created_by != command.by and not may_moderate:
        raise NotYours("Only the person who wrote a comment, or an admin of the workspace, can delete it.")
    return [CommentDeleted(task_id=command.task_id, comment_id=command.comment_id, by=command.by, at=command.at)]
