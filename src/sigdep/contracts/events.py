"""Public events that more than one context must know, as they travel in the `data` of a CloudEvent.

Each is called like its Struct; a change only ever adds fields with defaults.
"""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from sigdep.contracts.ids import CommentId, TaskId, UserId, WorkspaceId


class PublicEvent(Struct, frozen=True, kw_only=True):
    """A fact that one context tells to all others. Instants are UTC."""


class MemberRemoved(PublicEvent, frozen=True, kw_only=True):
    """The user has no role in the workspace any more."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime


class WorkspaceErased(PublicEvent, frozen=True, kw_only=True):
    """The workspace's key is destroyed: forget whatever was derived from its events."""

    workspace_id: WorkspaceId
    erased_at: datetime


class UserErased(PublicEvent, frozen=True, kw_only=True):
    """The person's key is destroyed: forget whatever you know of them but their id."""

    user_id: UserId
    erased_at: datetime


# ── tasks: of what its context tells, no more than others act on ────────────────────────────────────────


class TaskCreated(PublicEvent, frozen=True, kw_only=True):
    task_id: TaskId
    workspace_id: WorkspaceId
    title: str
    by: UserId
    at: datetime
    assignee_ids: tuple[UserId, ...] = ()


class TaskEdited(PublicEvent, frozen=True, kw_only=True):
    """Some of its fields have a new value."""

    task_id: TaskId
    by: UserId
    at: datetime
    assignee_ids: tuple[UserId, ...] | UnsetType = UNSET


class TaskCommented(PublicEvent, frozen=True, kw_only=True):
    task_id: TaskId
    comment_id: CommentId
    text: str
    by: UserId
    at: datetime
