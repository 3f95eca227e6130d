"""The people, places and times of the stories that these tests tell, and events to tell them with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.notifications.domain.notification import notification_id
from sigdep.notifications.events.inbox import NotificationPosted, Thing

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
KEY = "/contexts/tasks#3-17"


def identity(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012}")


ADA, BOB, EVE = (UserId(identity(number)) for number in (1, 2, 5))
HOME, TEAM = WorkspaceId(identity(11)), WorkspaceId(identity(12))
MILK = TaskId(identity(21))
TOLD = notification_id(KEY, BOB)


def posted(**fields: Any) -> NotificationPosted:
    content: dict[str, Any] = {
        "notification_id": TOLD,
        "workspace_id": TEAM,
        "recipient_id": BOB,
        "kind": "task.assigned",
        "title": "Buy milk",
        "key": KEY,
        "occurred_at": NOON,
        "at": NOON,
        "thing": Thing(kind="task", id=MILK),
        "link": f"/tasks/{MILK}",
        "by": ADA,
    }
    return NotificationPosted(**(content | fields))
