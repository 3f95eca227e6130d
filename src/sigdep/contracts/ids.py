"""The ids that contexts share, each a UUIDv7 in its text form outside."""

from typing import NewType
from uuid import UUID

from sigdep.kernel.ids import WorkspaceId

__all__ = ["AppointmentId", "CalendarId", "CommentId", "LabelId", "ProjectId", "TaskId", "UserId", "WorkspaceId"]

UserId = NewType("UserId", UUID)
TaskId = NewType("TaskId", UUID)
ProjectId = NewType("ProjectId", UUID)
LabelId = NewType("LabelId", UUID)
CommentId = NewType("CommentId", UUID)
"""Unique within its task."""
CalendarId = NewType("CalendarId", UUID)
AppointmentId = NewType("AppointmentId", UUID)
"""Users know an appointment as an event."""
