"""What has happened below a task: stream `subtasks-<parent's id>`. Only deciding needs them: no public events."""

from datetime import datetime

from sigdep.contracts.ids import TaskId, UserId
from sigdep.kernel.messages import Event


class SubtaskAdded(Event):
    parent_id: TaskId
    task_id: TaskId
    by: UserId
    at: datetime


class SubtaskRemoved(Event):
    parent_id: TaskId
    task_id: TaskId
    by: UserId
    at: datetime


SubtasksEvent = SubtaskAdded | SubtaskRemoved
