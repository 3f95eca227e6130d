"""Public events that more than one context must know, as they travel in the `data` of a CloudEvent.

Each is called like its Struct; a change only ever adds fields with defaults.
"""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sigdep.contracts.ids import CommentId, TaskId, UserId, WorkspaceId


class PublicEvent(Struct, frozen=True, kw_only=True):
    """A fact that one context tells to all others. Instants are UTC."""


class MemberRemoved(PublicEvent, frozen=True, kw_only=True):
    """The user has no role in the workspace any more."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime
    removed_by: UserId | None = None
    """The user, where they left by themselves. None: they were erased, or it was told before this was."""


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


# ── calendar: likewise. A time on the wall is text. ─────────────────────────────────────────────────────


class Attending(Struct, frozen=True, kw_only=True):
    """Somebody who is invited. None: they are no user, and nobody here can tell them."""

    user_id: UserId | None = None


class AppointmentScheduled(PublicEvent, frozen=True, kw_only=True):
    appointment_id: UUID
    by: UserId
    at: datetime
    continues: UUID | None = None
    """It is the later part of a series that was cut in two."""


class AppointmentEdited(PublicEvent, frozen=True, kw_only=True):
    """The whole of it: a single appointment, or a series with all its occurrences."""

    appointment_id: UUID
    by: UserId
    at: datetime
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    attendees: tuple[Attending, ...] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    """`confirmed`, `tentative` or `cancelled`."""


class OccurrenceEdited(PublicEvent, frozen=True, kw_only=True):
    """One occurrence is different from the others of its series."""

    appointment_id: UUID
    occurrence: str
    by: UserId
    at: datetime
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    attendees: tuple[Attending, ...] | UnsetType = UNSET
    status: str | UnsetType = UNSET


class OccurrenceCancelled(PublicEvent, frozen=True, kw_only=True):
    """One occurrence does not happen."""

    appointment_id: UUID
    occurrence: str
    by: UserId
    at: datetime


class SeriesEnded(PublicEvent, frozen=True, kw_only=True):
    """It has no occurrences from this one on."""

    appointment_id: UUID
    occurrence: str
    by: UserId
    at: datetime
    continued_by: UUID | None = None
    """It was cut in two: the other part has the later occurrences."""


class AppointmentTrashed(PublicEvent, frozen=True, kw_only=True):
    appointment_id: UUID
    by: UserId
    at: datetime
