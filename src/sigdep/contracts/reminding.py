"""What whoever reminds may ask of the contexts that know when something is due. Their reading sides answer."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.kernel.messages import Query

DUE: Final = "due"
"""The reminder of a task that has none of its own. Its `due_at` is when the task is due: how long before that they are
told, its recipients say."""


class FindReminders(Query):
    """The reminders of one thing that are due in a span of time, with those of each of its occurrences.

    A thing that is done, cancelled, in the trash or gone has none, and neither has an occurrence that was.
    """

    thing_id: UUID
    """A task's or an appointment's."""
    since: datetime
    """UTC, included."""
    until: datetime
    """UTC, excluded."""


class DueReminder(Struct, frozen=True, kw_only=True):
    """One reminder of one occurrence."""

    reminder: str
    """Which of the thing's reminders: `PT10M` before, an instant as in `2026-11-22T09:30:00Z`, or DUE."""
    occurrence: str = ""
    """Which of a series, by its original start in UTC, or its date where it has no time. Empty: there is one only."""
    due_at: datetime
    """UTC."""
    starts_at: datetime
    """UTC: what it reminds of."""
    recipients: tuple[UserId, ...]


class ThingReminders(Struct, frozen=True, kw_only=True):
    """What there is to be reminded of, of one thing."""

    workspace_id: WorkspaceId
    title: str
    due: tuple[DueReminder, ...]
    """In the order of `due_at`, at most as many as the answering side gives at once."""
    complete_until: datetime
    """UTC: there are none but these before then. Less than what was asked for where there are too many."""
    continues: bool = True
    """There may be some from `complete_until` on. False: never, unless the thing changes, so nobody need ask again."""


class FindDueTasks(Query):
    """What is due in a span of time and not done: one workspace after the other, in each by when it is due."""

    since: datetime
    """UTC, included."""
    until: datetime
    """UTC, excluded. What is due on a date is due at the end of it, in UTC."""
    after: "DuePlace | None" = None
    """From `DueTasks.next`. None: from the first workspace on."""
    limit: int = 200


class DuePlace(Struct, frozen=True, kw_only=True):
    """How far a walk over all workspaces has come: what is next stands behind this task, or at the begin of this
    workspace."""

    workspace_id: WorkspaceId
    due_at: datetime | None = None
    """UTC."""
    task_id: TaskId | None = None


class DueTask(Struct, frozen=True, kw_only=True):
    due_at: datetime
    """UTC."""
    task_id: TaskId
    workspace_id: WorkspaceId


class DueTasks(Struct, frozen=True, kw_only=True):
    tasks: tuple[DueTask, ...]
    """Fewer than were asked for, or none, where many workspaces have few: that is not the end."""
    next: DuePlace | None
    """None: that was all."""
