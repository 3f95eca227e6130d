"""The people, places and times of the stories that these tests tell, and events and commands to tell them with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sigdep.contracts.ids import CommentId, LabelId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.tasks.commands.tasks import CreateTask, EditTask
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def identity(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012}")


ADA, BOB, EVE = (UserId(identity(number)) for number in (1, 2, 5))
HOME, TEAM = WorkspaceId(identity(11)), WorkspaceId(identity(12))
MILK, BREAD, CAKE = (TaskId(identity(number)) for number in (21, 22, 23))
HOUSE, GARDEN = ProjectId(identity(31)), ProjectId(identity(32))
ERRAND, URGENT = LabelId(identity(41)), LabelId(identity(42))
NOTE, REPLY = CommentId(identity(51)), CommentId(identity(52))


def created(task_id: TaskId = MILK, **fields: Any) -> TaskCreated:
    content: dict[str, Any] = {"title": "Buy milk", "rank": "W", "by": ADA, "at": NOON, "workspace_id": HOME} | fields
    return TaskCreated(task_id=task_id, **content)


def edited(**fields: Any) -> TaskEdited:
    return TaskEdited(task_id=MILK, by=ADA, at=LATER, **fields)


def create(**fields: Any) -> CreateTask:
    """As it reaches the decision: with everything that is looked up beforehand."""
    content: dict[str, Any] = {"title": "Buy milk", "rank": "W", "by": ADA, "at": NOON}
    return CreateTask(**(content | {"workspace_id": HOME, "task_id": MILK} | fields))


def edit(**fields: Any) -> EditTask:
    return EditTask(task_id=MILK, by=ADA, at=LATER, **fields)
