"""Every type of event that was ever stored."""

from sigdep.kernel.messages import Event
from sigdep.tasks.events.labels import (
    LabelCreated,
    LabelEdited,
    LabelNameFreed,
    LabelNameTaken,
    LabelRestored,
    LabelTrashed,
)
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.projects import (
    ProjectArchived,
    ProjectCreated,
    ProjectEdited,
    ProjectRestored,
    ProjectTrashed,
    ProjectUnarchived,
)
from sigdep.tasks.events.subtasks import SubtaskAdded, SubtaskRemoved
from sigdep.tasks.events.tasks import (
    CommentDeleted,
    CommentEdited,
    TaskCancelled,
    TaskCommented,
    TaskCompleted,
    TaskCreated,
    TaskEdited,
    TaskMoved,
    TaskReopened,
    TaskRepeated,
    TaskRepetitionWithdrawn,
    TaskRestored,
    TaskSkipped,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)

EVENTS: tuple[type[Event], ...] = (
    TaskCreated,
    TaskEdited,
    TaskMoved,
    TaskStarted,
    TaskCompleted,
    TaskCancelled,
    TaskSkipped,
    TaskRepeated,
    TaskRepetitionWithdrawn,
    TaskReopened,
    TaskSnoozed,
    TaskTrashed,
    TaskRestored,
    TaskCommented,
    CommentEdited,
    CommentDeleted,
    SubtaskAdded,
    SubtaskRemoved,
    ProjectCreated,
    ProjectEdited,
    ProjectArchived,
    ProjectUnarchived,
    ProjectTrashed,
    ProjectRestored,
    LabelCreated,
    LabelEdited,
    LabelTrashed,
    LabelRestored,
    LabelNameTaken,
    LabelNameFreed,
    WorkspaceForgotten,
)
"""Every type that was ever stored."""
