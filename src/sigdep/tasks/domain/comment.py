"""What a comment is. Comments live in their task's stream; whoever needs them folds them out of it."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from sigdep.contracts.ids import CommentId, TaskId, UserId, WorkspaceId
from sigdep.kernel.messages import State
from sigdep.tasks.events import CommentDeleted, CommentEdited, TaskCommented

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
